// The table of one instruction set: picks the number type and the shape of the work.
// NEGLOG_ISA names the set; the compiler's flags for the file that includes this choose it.
#pragma once

#include "kernels.hpp"
#include "rows/binary.hpp"
#include "rows/class_major.hpp"
#include "rows/curvature.hpp"
#include "rows/panels.hpp"
#include "rows/softcap.hpp"
#include "rows/targets.hpp"
#include "scores/long_rows.hpp"
#include "sparse/products.hpp"
#include "steps/gradient.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

template <class F> inline auto with_type(DType dtype, F f) {
    switch (dtype) {
        case DType::f64:
            return f(double{});
        case DType::f32:
            return f(float{});
        case DType::f16:
            return f(half{});
        default:
            return f(bfloat{});
    }
}

inline bool few_classes(const Job& job) { return job.classes <= kFewClasses; }

size_t scratch_bytes(const Job& job) {
    if (job.softcap != 0) return softcap_bytes(job.classes);
    return with_type(job.dtype, [&](auto t) {
        using T = decltype(t);
        return job.logits_at.columns ? class_major_bytes<T>(job.classes)
                                     : Scratch<T>::bytes(job.classes);
    });
}

int64_t parts(const Job& job) {
    if (job.softcap != 0) return 1;
    return with_type(job.dtype,
                     [&](auto t) { return parts_of<Compute<decltype(t)>>(job.classes); });
}

void fence([[maybe_unused]] bool streamed) {
#if defined(__x86_64__)
    if (streamed) _mm_sfence();  // what was written past the caches is seen by the other threads
#endif
}

void run(const Job& job, int64_t begin, int64_t end, char* scratch) {
    const FlushSubnormals mode;
    with_type(job.dtype, [&](auto t) {
        using T = decltype(t);
        if (job.softcap != 0)
            run_softcap<T>(job, begin, end, scratch);
        else if (job.logits_at.columns)
            run_class_major<T>(job, begin, end, scratch);
        else if (few_classes(job))
            run_short_rows<T>(job, begin, end, scratch);
        else
            run_long_rows<T>(job, begin, end, scratch);
    });
    fence(job.stream);
}

void reduce_parts_any(const Job& job, int64_t begin, int64_t end, RowState* states) {
    const FlushSubnormals mode;
    with_type(job.dtype, [&](auto t) { reduce_parts<decltype(t)>(job, begin, end, states); });
}

void finish_rows_any(const Job& job, int64_t begin, int64_t end, const RowState* states,
                     TileState* f) {
    const FlushSubnormals mode;
    with_type(job.dtype, [&](auto t) { finish_rows<decltype(t)>(job, begin, end, states, f); });
}

void write_parts_any(const Job& job, int64_t begin, int64_t end, const TileState* rows,
                     char* scratch) {
    const FlushSubnormals mode;
    with_type(job.dtype, [&](auto t) { write_parts<decltype(t)>(job, begin, end, rows, scratch); });
    fence(job.stream);
}

size_t panel_bytes_any(const PanelJob& panel) {
    return with_type(panel.job.dtype, [&](auto t) { return panel_bytes<decltype(t)>(); });
}

void clear_states(const PanelJob& panel, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) panel.states[row] = empty_state();
}

void reduce_panel_any(const PanelJob& panel, int64_t begin, int64_t end) {
    const FlushSubnormals mode;
    with_type(panel.job.dtype, [&](auto t) { reduce_panel<decltype(t)>(panel, begin, end); });
}

void merge_states(const PanelJob& panel, const PanelState* others, int64_t begin, int64_t end) {
    const FlushSubnormals mode;
    for (int64_t row = begin; row < end; ++row)
        merge_into(panel.states[row], others[row], inverse_of(panel.job, row));
}

void finish_states_any(const PanelJob& panel, int64_t begin, int64_t end) {
    const FlushSubnormals mode;
    finish_states(panel, begin, end);
}

void write_panel_any(const PanelJob& panel, int64_t begin, int64_t end, char* scratch) {
    const FlushSubnormals mode;
    with_type(panel.job.dtype,
              [&](auto t) { write_panel<decltype(t)>(panel, begin, end, scratch); });
    fence(panel.job.stream);
}

void binary(const BinaryJob& job, int64_t begin, int64_t end) {
    const FlushSubnormals mode;
    with_type(job.dtype, [&](auto t) { run_binary<decltype(t)>(job, begin, end); });
}

void curvature(const CurvatureJob& job, int64_t begin, int64_t end) {
    const FlushSubnormals mode;
    job.dtype == DType::f64 ? run_curvature<double>(job, begin, end)
                            : run_curvature<float>(job, begin, end);
}

TargetScan scan(const void* target, bool is_64, int64_t n, int64_t classes, int64_t ignore_index) {
    return is_64 ? scan_as(static_cast<const int64_t*>(target), n, classes, ignore_index)
                 : scan_as(static_cast<const int32_t*>(target), n, classes, ignore_index);
}

size_t compress_bytes_any(const CompressJob& job) {
    return with_type(job.dtype, [&](auto t) { return compress_bytes<Compute<decltype(t)>>(job); });
}

void compress_any(const CompressJob& job, int64_t begin, int64_t end, char* scratch) {
    const FlushSubnormals mode;
    with_type(job.dtype, [&](auto t) { compress<decltype(t)>(job, begin, end, scratch); });
}

size_t classes_bytes_any(const ProductJob& job) {
    return with_type(job.dtype, [&](auto t) { return classes_bytes<Compute<decltype(t)>>(job); });
}

void times_classes_any(const ProductJob& job, int64_t begin, int64_t end, char* scratch) {
    const FlushSubnormals mode;
    with_type(job.dtype, [&](auto t) { times_classes<decltype(t)>(job, begin, end, scratch); });
}

size_t hidden_bytes_any(const ProductJob& job) {
    return with_type(job.dtype, [&](auto t) { return ByClass<Compute<decltype(t)>>::bytes(job); });
}

void times_hidden_any(const ProductJob& job, int64_t begin, int64_t end, char* scratch) {
    const FlushSubnormals mode;
    with_type(job.dtype, [&](auto t) { times_hidden<decltype(t)>(job, begin, end, scratch); });
}

size_t scores_bytes_any(const ScoresJob& job) {
    return with_type(job.dtype,
                     [&](auto t) { return scores_bytes<Compute<decltype(t)>>(job.classes); });
}

void scores_any(const ScoresJob& job, int64_t begin, int64_t end, const ScoreSums& sums,
                char* scratch) {
    const FlushSubnormals mode;
    with_type(job.dtype, [&](auto t) { score_rows<decltype(t)>(job, begin, end, sums, scratch); });
}

BatchSums batch_gradient_any(const BatchJob& job, char* scratch) {
    const FlushSubnormals mode;
    return batch_gradient(job, scratch);
}

}  // namespace

extern const Kernels kernels;
const Kernels kernels = {NEGLOG_NAME,
                         scratch_bytes,
                         parts,
                         run,
                         reduce_parts_any,
                         finish_rows_any,
                         write_parts_any,
                         panel_bytes_any,
                         clear_states,
                         reduce_panel_any,
                         merge_states,
                         finish_states_any,
                         write_panel_any,
                         binary,
                         curvature,
                         scan,
                         compress_bytes_any,
                         compress_any,
                         classes_bytes_any,
                         times_classes_any,
                         hidden_bytes_any,
                         times_hidden_any,
                         scores_bytes_any,
                         scores_any,
                         BatchMemory::bytes,
                         batch_gradient_any};

}  // namespace neglog::NEGLOG_ISA
