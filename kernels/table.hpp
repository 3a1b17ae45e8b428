// The table of one instruction set: picks the number type and the shape of the work.
// NEGLOG_ISA names the set; the compiler's flags for the file that includes this choose it.
#pragma once

#include "binary.hpp"
#include "class_major.hpp"
#include "softcap.hpp"
#include "sparse.hpp"
#include "sweep.hpp"

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
            run_lanes<T>(job, begin, end, scratch);
        else
            run_rows<T>(job, begin, end, scratch);
    });
    fence(job.stream);
}

void reduce_parts_any(const Job& job, int64_t begin, int64_t end, Partial* partials) {
    const FlushSubnormals mode;
    with_type(job.dtype, [&](auto t) { reduce_parts<decltype(t)>(job, begin, end, partials); });
}

void finish_rows_any(const Job& job, int64_t begin, int64_t end, const Partial* partials, Rows* f) {
    const FlushSubnormals mode;
    with_type(job.dtype, [&](auto t) { finish_rows<decltype(t)>(job, begin, end, partials, f); });
}

void emit_parts_any(const Job& job, int64_t begin, int64_t end, const Partial* partials,
                    const Rows* f, char* scratch) {
    const FlushSubnormals mode;
    with_type(job.dtype,
              [&](auto t) { emit_parts<decltype(t)>(job, begin, end, partials, f, scratch); });
    fence(job.stream);
}

void sweep_any(const Sweep& sweep, int64_t begin, int64_t end) {
    const FlushSubnormals mode;
    with_type(sweep.job.dtype, [&](auto t) { run_sweep<decltype(t)>(sweep, begin, end); });
}

void binary(const BinaryJob& job, int64_t begin, int64_t end) {
    const FlushSubnormals mode;
    with_type(job.dtype, [&](auto t) { run_binary<decltype(t)>(job, begin, end); });
}

template <class I> TargetScan scan_as(const I* y, int64_t n, int64_t classes,
                                      int64_t ignore_index) {
    typedef I V __attribute__((vector_size(kVecBytes)));
    constexpr int W = kVecBytes / static_cast<int>(sizeof(I));
    const auto ignored = [&](I v) { return static_cast<int64_t>(v) == ignore_index; };
    const auto bad = [&](I v) {
        return (v < 0 || static_cast<int64_t>(v) >= classes) && !ignored(v);
    };
    // More classes, or another index, than the type can name: no target reaches them.
    const int64_t top = static_cast<int64_t>((~uint64_t{0} >> 1) >> (64 - 8 * sizeof(I)));
    const I limit = static_cast<I>(classes - 1 < top ? classes - 1 : top);
    const bool can_ignore = static_cast<int64_t>(static_cast<I>(ignore_index)) == ignore_index;
    const I skip = can_ignore ? static_cast<I>(ignore_index) : I{-1};
    int64_t i = 0, count = 0;
    constexpr int64_t block =
        8 * W;  // one question a block: folding a vector costs as much as four
    for (; i + block <= n; i += block) {
        V odd{};
        for (int k = 0; k < block; k += W) {
            V v;
            __builtin_memcpy(&v, y + i + k, sizeof v);
            odd |= (v < 0) | (v > limit) | (v == skip);
        }
        if (!any_lane(bit_cast<Indices>(odd))) [[likely]]
            continue;
        for (int64_t k = i; k < i + block; ++k) {
            if (bad(y[k])) return {k, count};
            count += ignored(y[k]);
        }
    }
    for (; i < n; ++i) {
        if (bad(y[i])) return {i, count};
        count += ignored(y[i]);
    }
    return {-1, count};
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

}  // namespace

extern const Kernels kernels;
const Kernels kernels = {NEGLOG_NAME,
                         scratch_bytes,
                         parts,
                         run,
                         reduce_parts_any,
                         finish_rows_any,
                         emit_parts_any,
                         sweep_any,
                         binary,
                         scan,
                         compress_bytes_any,
                         compress_any,
                         classes_bytes_any,
                         times_classes_any,
                         hidden_bytes_any,
                         times_hidden_any};

}  // namespace neglog::NEGLOG_ISA
