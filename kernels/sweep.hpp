// Rows whose logits come a panel of classes at a time, and are gone when the next one comes: sums
// are kept, and are finished with the last panel.
#pragma once

#include "rows.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

inline bool is_nan_row(const Partial& p) { return p.others != p.others && p.max != kInfinity; }

// What is known of a row, and of classes that stand behind.  The first nan is the maximum's place.
inline Partial joined(const Partial& known, const Partial& next, Inverse it) {
    const Partial both[2] = {known, next};
    Partial all = merge(both, 2, it);
    if (is_nan_row(all))
        all.arg = is_nan_row(known) ? known.arg : is_nan_row(next) ? next.arg : all.arg;
    return all;
}

template <class T>
inline Partial reduce_panel(const Job& panel, int64_t row, int64_t first, Inverse it) {
    const int64_t parts = parts_of<Compute<T>>(panel.classes);
    Partial all{};
    for (int64_t p = 0; p < parts; ++p) {
        Partial next = reduce_nth<T>(panel, row, p, it, nullptr);
        if (is_nan_row(next)) {
            const T* z = logits_of<T>(panel, row);
            for (next.arg = p * kPart<Compute<T>>;
                 value_of(z + next.arg) == value_of(z + next.arg);)
                ++next.arg;
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
