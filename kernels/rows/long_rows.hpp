// Rows of more classes than fit side by side: a tile of rows is reduced, finished and written.
#pragma once

#include "rows/write.hpp"

namespace neglog::NEGLOG_ISA {
namespace {

// Exponentials of a row are kept for its output if they fit into the L2 cache together with the
// logits. For a longer row computing them twice is faster than reading them from memory.
template <class C> constexpr int64_t kKept = (1 << 20) / static_cast<int64_t>(sizeof(C));

template <class C> inline int64_t padded(int64_t n) {
    return (n + kStep<C> - 1) / kStep<C> * kStep<C>;
}
template <class C> inline int64_t parts_of(int64_t classes) {
    return (classes + kPart<C> - 1) / kPart<C>;
}
template <class C> inline int64_t part_size(int64_t classes, int64_t part) {
    const int64_t left = classes - part * kPart<C>;
    return left < kPart<C> ? left : kPart<C>;
}
template <class C> inline int tile_rows(int64_t classes) {
    const int64_t fit = kPart<C> / padded<C>(classes);
    return static_cast<int>(fit < 1 ? 1 : fit > kTile ? kTile : fit);
}

// Scratch memory of a thread: states of the parts, exponentials, one part of the output.
template <class T> struct Scratch {
    using C = Compute<T>;
    RowState* states;
    C* exponentials;
    T* staging;
    static int64_t kept(int64_t classes) {
        const int64_t row =
            parts_of<C>(classes) > 1 ? parts_of<C>(classes) * kPart<C> : padded<C>(classes);
        return classes > kKept<C> ? kPart<C> : tile_rows<C>(classes) * row;
    }
    Scratch(char* memory, int64_t classes)
        : states(reinterpret_cast<RowState*>(memory)),
          exponentials(reinterpret_cast<C*>(memory + state_bytes(classes))),
          staging(reinterpret_cast<T*>(exponentials + kept(classes))) {}
    static int64_t state_bytes(int64_t classes) {
        return (parts_of<C>(classes) * static_cast<int64_t>(sizeof(RowState)) + 63) / 64 * 64;
    }
    static size_t bytes(int64_t classes) {
        return static_cast<size_t>(state_bytes(classes) +
                                   (kept(classes) + kPart<C>)*static_cast<int64_t>(sizeof(C)));
    }
};

template <class T>
inline RowState reduce_nth(const Job& job, int64_t row, int64_t part, Inverse it,
                           Compute<T>* exponentials) {
    using C = Compute<T>;
    const int64_t begin = part * kPart<C>, n = part_size<C>(job.classes, part);
    const T* z = logits_of<T>(job, row) + begin;
    const int mode = mode_of(job);
    const C* q = mode & kDense ? probs_of<T>(job, row) + begin : nullptr;
    RowState p;
    switch (mode) {
        case 0:
            p = reduce<0, T>(z, n, q, it, exponentials);
            break;
        case kEntropy:
            p = reduce<kEntropy, T>(z, n, q, it, exponentials);
            break;
        case kScaled:
            p = reduce<kScaled, T>(z, n, q, it, exponentials);
            break;
        case kDense:
            p = reduce<kDense, T>(z, n, q, it, exponentials);
            break;
        case kEntropy | kScaled:
            p = reduce<kEntropy | kScaled, T>(z, n, q, it, exponentials);
            break;
        default:
            p = reduce<kEntropy | kScaled | kDense, T>(z, n, q, it, exponentials);
    }
    p.arg += begin;
    return p;
}

template <class T> inline double target_logit(const Job& job, int64_t row, const TileState& r,
                                              int i) {
    return r.target[i] >= 0 && !r.skipped[i] ? value_of(logits_of<T>(job, row) + r.target[i]) : 0;
}

// The sums of a whole row, and the state that they are kept in for a later pass.
inline void set_state(const Job& job, int64_t row, const RowState& sums, double target_logit,
                      TileState& r, int i) {
    set_sums(r, i, sums);
    r.target_logit[i] = target_logit;
    if (job.states) job.states[row] = {sums, target_logit};
}

// Writes a part, past the caches if job.stream.
template <class T>
inline void write_nth(const Job& job, int64_t row, int64_t part, Kept<Compute<T>> kept,
                      const TileState& r, int i, const Scratch<T>& scratch) {
    using C = Compute<T>;
    const int64_t begin = part * kPart<C>, n = part_size<C>(job.classes, part);
    T* to = out_of<T>(job, row) + begin;
    T* first = job.stream ? scratch.staging : to;
    write_part<T>(job, row, begin, n, kept, r, i, scratch.exponentials, first);
    if (job.stream)
        stream(reinterpret_cast<char*>(to), reinterpret_cast<const char*>(first),
               n * static_cast<int64_t>(sizeof(T)));
}

template <class T> void run_long_rows(const Job& job, int64_t begin, int64_t end, char* memory) {
    using C = Compute<T>;
    const Scratch<T> scratch(memory, job.classes);
    const int64_t parts = parts_of<C>(job.classes);
    const int tile = tile_rows<C>(job.classes);
    const int64_t pitch = parts > 1 ? parts * kPart<C> : padded<C>(job.classes);
    const bool keep = (job.output == Output::gradient || job.output == Output::softmax) &&
                      job.classes <= kKept<C>;
    const auto kept = [&](int i, int64_t part) {
        return keep ? scratch.exponentials + i * pitch + part * kPart<C> : nullptr;
    };
    TileState r = first_tile(job);
    for (int64_t row = begin; row < end; row += tile) {
        const int count = static_cast<int>(end - row < tile ? end - row : tile);
        begin_tile(job, row, count, r);
        for (int i = 0; i < count; ++i) {
            if (r.skipped[i]) continue;
            for (int64_t p = 0; p < parts; ++p)
                scratch.states[p] = reduce_nth<T>(job, row + i, p, inverse_of(r, i), kept(i, p));
            set_state(job, row + i, merge(scratch.states, parts, inverse_of(r, i)),
                      target_logit<T>(job, row + i, r, i), r, i);
            if (keep) r.top_exp[i] = kept(i, r.arg[i] / kPart<C>)[r.arg[i] % kPart<C>];
        }
        finish_tile(job, row, count, logits_of<T>(job, row), job.logits_at.first, 1, r);
        if (job.output == Output::none) continue;
        for (int i = 0; i < count; ++i)
            for (int64_t p = 0; p < parts; ++p) {
                const double max = parts > 1 ? scratch.states[p].max : r.max[i];
                const double power = parts > 1 ? scratch.states[p].power : r.power[i];
                write_nth<T>(job, row + i, p, {kept(i, p), max, power}, r, i, scratch);
            }
    }
}

// The same in three steps, for threads that share the parts of a row.
template <class T> void reduce_parts(const Job& job, int64_t begin, int64_t end, RowState* states) {
    const int64_t parts = parts_of<Compute<T>>(job.classes);
    for (int64_t u = begin; u < end; ++u) {
        const int64_t row = u / parts;
        if (!is_skipped(job, row))
            states[u] = reduce_nth<T>(job, row, u % parts, inverse_of(job, row), nullptr);
    }
}
template <class T>
void finish_rows(const Job& job, int64_t begin, int64_t end, const RowState* states,
                 TileState* rows) {
    const int64_t parts = parts_of<Compute<T>>(job.classes);
    for (int64_t row = begin; row < end; ++row) {
        TileState& r = rows[row];
        r = first_tile(job);
        begin_tile(job, row, 1, r);
        if (!r.skipped[0])
            set_state(job, row, merge(states + row * parts, parts, inverse_of(r, 0)),
                      target_logit<T>(job, row, r, 0), r, 0);
        finish_tile(job, row, 1, logits_of<T>(job, row), 0, 1, r);
    }
}
template <class T>
void write_parts(const Job& job, int64_t begin, int64_t end, const TileState* rows, char* memory) {
    const Scratch<T> scratch(memory, job.classes);
    const int64_t parts = parts_of<Compute<T>>(job.classes);
    for (int64_t u = begin; u < end; ++u)
        write_nth<T>(job, u / parts, u % parts, {}, rows[u / parts], 0, scratch);
}

}  // namespace
}  // namespace neglog::NEGLOG_ISA
