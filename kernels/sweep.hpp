// Rows whose logits come a panel of classes at a time, and are gone when the next one comes: sums
// are kept, and are finished with the last panel.
#pragma once

#include "rows.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

// The place of a nan, if there is one, is that of the maximum.  `unit`, which nothing here needs,
// says so of a row: a sum that is no number may also come of two infinities.
inline bool points_to_nan(const Partial& p) { return p.unit != p.unit; }

// What is known of a row, and of classes that stand behind.
inline Partial joined(const Partial& known, const Partial& next, Inverse it) {
    const Partial both[2] = {known, next};
    Partial all = merge(both, 2, it);
    const Partial& first = points_to_nan(known) ? known : points_to_nan(next) ? next : all;
    all.arg = first.arg;
    all.unit = first.unit;
    return all;
}

template <class T>
inline Partial reduce_panel(const Job& panel, int64_t row, int64_t first, Inverse it) {
    constexpr int64_t size = kPart<Compute<T>>;
    const T* z = logits_of<T>(panel, row);
    Partial all{};
    for (int64_t p = 0; p < parts_of<Compute<T>>(panel.classes); ++p) {
        Partial next = reduce_nth<T>(panel, row, p, it, nullptr);
        next.unit = 1;
        if (next.others != next.others) {
            const int64_t stop = p * size + part_size<Compute<T>>(panel.classes, p);
            int64_t j = p * size;
            while (j < stop && value_of(z + j) == value_of(z + j)) ++j;
            if (j < stop) next.arg = j, next.unit = __builtin_nan("");
        }
        next.arg += first;
        all = p ? joined(all, next, it) : next;
    }
    return all;
}

template <class T> void run_sweep(const Sweep& sweep, int64_t begin, int64_t end) {
    const Job& job = sweep.job;
    Job panel = job;
    panel.classes = sweep.width;
    Rows r = first_tile(job);
    for (int64_t row = begin; row < end; row += kTile) {
        const int count = static_cast<int>(end - row < kTile ? end - row : kTile);
        begin_tile(job, row, count, r);
        for (int i = 0; i < count; ++i) {
            Partial& known = sweep.known[row + i];
            const Inverse it = inverse_of(r, i);
            const Partial next = reduce_panel<T>(panel, row + i, sweep.first, it);
            known = sweep.first ? joined(known, next, it) : next;
            const int64_t at = r.target[i] - sweep.first;
            if (0 <= at && at < sweep.width)
                sweep.target_logit[row + i] = value_of(logits_of<T>(panel, row + i) + at);
            set_sums(r, i, known);
            r.target_logit[i] = sweep.target_logit[row + i];
        }
        if (sweep.first + sweep.width < job.classes) continue;
        for (int i = 0; i < count; i += kLanes<double>) finish_vector(job, row, i, count, r);
        if (job.argmax)
            for (int i = 0; i < count; ++i) job.argmax[row + i] = r.arg[i];
    }
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
