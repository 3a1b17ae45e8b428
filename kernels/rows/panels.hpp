// Rows whose logits come a panel of classes at a time, and are gone when the next panel comes.  A
// panel is reduced into the states of its rows; states merge; the finished state of a row gives its
// results, and the gradient of each panel whose logits are made again.
#pragma once

#include "rows/long_rows.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

// The state of a row of which nothing has been read: it weighs nothing in a merge.
inline PanelState empty_state() { return {{-kInfinity, -1, 0, 0, 0, 0, 1, 0, 0}, 0}; }

// Where a row has a nan, its first nan is its maximum, as in numpy.argmax.  `row_scale` tells; the
// sum does not, for it is also nan where two logits are infinite.
inline bool points_to_nan(const RowState& s) { return s.row_scale != s.row_scale; }

inline RowState merge_two(const RowState& a, const RowState& b, Inverse it) {
    const bool ordered = a.arg <= b.arg;  // the first of equal maxima wins, in any order of merging
    const RowState both[2] = {ordered ? a : b, ordered ? b : a};
    RowState all = merge(both, 2, it);
    const RowState& first = points_to_nan(both[0])   ? both[0]
                            : points_to_nan(both[1]) ? both[1]
                                                     : all;
    all.arg = first.arg;
    all.row_scale = first.row_scale;
    return all;
}
inline void merge_into(PanelState& state, const PanelState& other, Inverse it) {
    state.row = merge_two(state.row, other.row, it);
    state.target_logit += other.target_logit;
}

// The part of a panel that begins at class `begin` of it.
template <class T>
inline RowState reduce_panel_part(const Job& panel, int64_t row, int64_t part, Inverse it) {
    using C = Compute<T>;
    RowState state = reduce_nth<T>(panel, row, part, it, nullptr);
    state.row_scale = 1;
    if (state.others == state.others) return state;
    const T* z = logits_of<T>(panel, row);
    int64_t j = part * kPart<C>;
    const int64_t stop = j + part_size<C>(panel.classes, part);
    while (j < stop && value_of(z + j) == value_of(z + j)) ++j;
    if (j < stop) state.arg = j, state.row_scale = __builtin_nan("");
    return state;
}

// The job of a panel as if its classes were all there are.
inline Job alone(const PanelJob& panel) {
    Job job = panel.job;
    job.classes = panel.width;
    return job;
}

template <class T> void reduce_panel(const PanelJob& panel, int64_t begin, int64_t end) {
    const Job job = alone(panel);
    TileState r = first_tile(panel.job);
    for (int64_t row = begin; row < end; row += kTile) {
        const int count = static_cast<int>(end - row < kTile ? end - row : kTile);
        begin_tile(panel.job, row, count, r);
        for (int i = 0; i < count; ++i) {
            if (r.skipped[i]) continue;
            const Inverse it = inverse_of(r, i);
            PanelState next = empty_state();
            for (int64_t p = 0; p < parts_of<Compute<T>>(job.classes); ++p) {
                RowState part = reduce_panel_part<T>(job, row + i, p, it);
                part.arg += panel.first;
                next.row = p ? merge_two(next.row, part, it) : part;
            }
            const int64_t y = r.target[i] - panel.first;
            if (0 <= y && y < panel.width)
                next.target_logit = value_of(logits_of<T>(job, row + i) + y);
            merge_into(panel.states[row + i], next, it);
        }
    }
}

// Results of the tile's rows, as far as the job asks for them.
inline void finish_states_of(const PanelJob& panel, int64_t row, int count, TileState& r) {
    begin_tile(panel.job, row, count, r);
    for (int i = 0; i < count; ++i) {
        set_sums(r, i, panel.states[row + i].row);
        r.target_logit[i] = panel.states[row + i].target_logit;
    }
    for (int i = 0; i < count; i += kLanes<double>) finish_vector(panel.job, row, i, count, r);
    if (panel.job.argmax)
        for (int i = 0; i < count; ++i) panel.job.argmax[row + i] = r.skipped[i] ? 0 : r.arg[i];
}

void finish_states(const PanelJob& panel, int64_t begin, int64_t end) {
    TileState r = first_tile(panel.job);
    for (int64_t row = begin; row < end; row += kTile)
        finish_states_of(panel, row, static_cast<int>(end - row < kTile ? end - row : kTile), r);
}

// The exponentials of a part, and its output.
template <class T> size_t panel_bytes() { return Scratch<T>::bytes(kPart<Compute<T>>); }

// The gradient of a panel.  States are finished again for each: a few operations per row, where
// keeping what they give would take three times the memory of the states.
template <class T>
void write_panel(const PanelJob& panel, int64_t begin, int64_t end, char* memory) {
    using C = Compute<T>;
    const Job job = alone(panel);
    const Scratch<T> scratch(memory, kPart<C>);
    TileState r = first_tile(panel.job);
    for (int64_t row = begin; row < end; row += kTile) {
        const int count = static_cast<int>(end - row < kTile ? end - row : kTile);
        finish_states_of(panel, row, count, r);
        for (int i = 0; i < count; ++i) {
            r.target[i] -= panel.first;
            r.arg[i] -= panel.first;
            for (int64_t p = 0; p < parts_of<C>(job.classes); ++p)
                write_nth<T>(job, row + i, p, {}, r, i, scratch);
        }
    }
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
