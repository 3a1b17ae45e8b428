#include "run_sparse.hpp"

#include <algorithm>

namespace neglog {
namespace {

// Elements of a gradient, and entries, worth a thread of their own: some 20 microseconds of work.
constexpr int64_t kShareOfGradient = 1 << 15;
constexpr int64_t kShareOfEntries = 1 << 10;

// Bytes of a factor that stay in the second cache, at least half of one.
constexpr int64_t kSlice = 1 << 20;

// Entries in the fullest unit of `part` panels.
int64_t most_in(const ProductJob& job, int64_t part) {
    std::vector<int64_t> counts(static_cast<size_t>(pieces(panels_of(job.classes), part)));
    for (int64_t c = 0; c < job.count; ++c) {
        const Entries& chunk = job.chunks[c];
        for (int64_t panel = 0; panel < panels_of(chunk.classes); ++panel)
            for (int64_t band = 1; band <= bands_of(chunk.rows); ++band) {
                const int64_t last = std::min(band * kBand, chunk.rows) - 1;
                counts[static_cast<size_t>(panel / part)] += chunk.ends[panel * chunk.rows + last];
            }
    }
    return *std::max_element(counts.begin(), counts.end());
}

// Tables of n numbers that are added in their order; a single one is its own sum.
class Tables {
    int64_t count_, size_;
    double* sums_;
    std::unique_ptr<double[]> own_;

public:
    Tables(int64_t count, int64_t size, double* sums) : count_(count), size_(size), sums_(sums) {
        if (count_ > 1) own_.reset(new double[static_cast<size_t>(count_ * size_)]);
    }
    double* at() { return own_ ? own_.get() : sums_; }
    void add_up() {
        if (count_ == 1) return;
        std::fill(sums_, sums_ + size_, 0.0);
        for (int64_t t = 0; t < count_; ++t)
            for (int64_t i = 0; i < size_; ++i)
                sums_[i] += own_[static_cast<size_t>(t * size_ + i)];
    }
};

// So many columns that a slice of `rows` rows fills half of a second cache.
int64_t slice_of(const ProductJob& job, int64_t rows) {
    const int64_t fit = kSlice / (rows * compute_size(job.dtype)) / 64 * 64;
    return std::clamp<int64_t>(fit, 64, 256);
}

template <class Work> Outcome share(int64_t units, int64_t entries, size_t scratch,
                                    const Work& work, const Interrupted& interrupted) {
    return parallel_for(units, entries < kShareOfEntries ? units : 1, scratch, work, interrupted);
}

}  // namespace

Kept::Kept(int64_t rows, int64_t classes, bool wide, int64_t capacity)
    : values(new char[static_cast<size_t>(capacity * (wide ? 8 : 4))]),
      columns(new uint16_t[static_cast<size_t>(capacity)]),
      starts(static_cast<size_t>(bands_of(rows) * panels_of(classes))),
      ends(static_cast<size_t>(panels_of(classes) * rows)) {
    at = {rows, classes, wide, capacity, columns.get(), values.get(), starts.data(), ends.data()};
}

Outcome compress(CompressJob job, Kept& kept, const Interrupted& interrupted) {
    const int64_t rows = kept.at.rows, classes = kept.at.classes;
    const int64_t panels = panels_of(classes), bands = bands_of(rows);
    Tables row_tables(panels, 2 * rows, job.row_sums);
    Tables class_tables(bands, 2 * classes, job.class_sums);
    job.to = kept.at;
    job.row_sums = row_tables.at();
    job.class_sums = class_tables.at();
    job.used = &kept.count;
    const auto work = [&](int64_t begin, int64_t end, char* scratch) {
        chosen().compress(job, begin, end, scratch);
    };
    const int64_t tile = std::min(rows, kBand) * std::min(classes, kPanel);
    const int64_t grain = pieces(kShareOfGradient, std::max<int64_t>(tile, 1));
    const Outcome outcome =
        parallel_for(panels * bands, grain, chosen().compress_bytes(job), work, interrupted);
    if (kept.count <= kept.at.capacity) row_tables.add_up(), class_tables.add_up();
    return outcome;
}

Outcome add_times_classes(ProductJob job, int64_t entries, const Interrupted& interrupted) {
    job.slice = slice_of(job, kPanel);
    // Each part of the rows reads all classes: no more parts than the threads need.
    const int64_t slices = slices_of(job), wanted = 2 * num_threads();
    job.part = slices < wanted ? pieces(job.rows, pieces(wanted, slices)) : job.rows;
    const int64_t units = slices * pieces(job.rows, job.part);
    const auto work = [&](int64_t begin, int64_t end, char* memory) {
        chosen().times_classes(job, begin, end, memory);
    };
    return share(units, entries, chosen().classes_bytes(job), work, interrupted);
}

Outcome add_times_hidden(ProductJob job, int64_t entries, const Interrupted& interrupted) {
    job.slice = slice_of(job, job.rows);
    // Each unit copies all of hidden: no more units than the threads need.
    const int64_t panels = panels_of(job.classes);
    job.part = pieces(panels, 4 * num_threads());
    job.most = most_in(job, job.part);
    const int64_t units = pieces(panels, job.part);
    const auto work = [&](int64_t begin, int64_t end, char* memory) {
        chosen().times_hidden(job, begin, end, memory);
    };
    return share(units, entries, chosen().hidden_bytes(job), work, interrupted);
}

}  // namespace neglog
