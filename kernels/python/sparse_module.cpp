// The sparse kernels as Python calls them: entries are opaque there, so none can be forged.
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "python/arrays.hpp"
#include "run.hpp"

namespace neglog {
namespace {

// Entries and the memory they lie in; the pool's pages are touched as far as they are used.
struct Kept {
    Entries at{};
    int64_t count = 0;
    std::unique_ptr<char[]> values;
    std::unique_ptr<uint16_t[]> columns;
    std::vector<int64_t> starts;
    std::vector<uint32_t> ends;

    Kept(int64_t rows, int64_t classes, bool wide, int64_t capacity)
        : values(new char[static_cast<size_t>(capacity * (wide ? 8 : 4))]),
          columns(new uint16_t[static_cast<size_t>(capacity)]),
          starts(static_cast<size_t>(bands_of(rows) * panels_of(classes))),
          ends(static_cast<size_t>(panels_of(classes) * rows)) {
        at = {rows,          classes,      wide,          capacity,
              columns.get(), values.get(), starts.data(), ends.data()};
    }
};

// Of a gradient, and entries, worth a thread of their own: some 20 microseconds of work.
constexpr int64_t kShareOfGradient = 1 << 15;
constexpr int64_t kShareOfEntries = 1 << 10;

// Bytes of a factor that stay in the second cache, at least half of one.
constexpr int64_t kSlice = 1 << 20;

// Entries in the fullest unit of so many panels.
int64_t most_in(const std::vector<const Kept*>& all, int64_t part) {
    std::vector<int64_t> counts(static_cast<size_t>(pieces(panels_of(all[0]->at.classes), part)));
    for (const Kept* kept : all)
        for (int64_t panel = 0; panel < panels_of(kept->at.classes); ++panel)
            for (int64_t band = 1; band <= bands_of(kept->at.rows); ++band) {
                const int64_t last = std::min(band * kBand, kept->at.rows) - 1;
                counts[static_cast<size_t>(panel / part)] +=
                    kept->at.ends[panel * kept->at.rows + last];
            }
    return *std::max_element(counts.begin(), counts.end());
}

// Tables (2, n) that are added in their order; a single one is its own sum.
class Tables {
    int64_t count_, size_;
    double* sums_;
    std::unique_ptr<double[]> own_;

public:
    Tables(int64_t count, const Array& sums)
        : count_(count), size_(2 * sums.shape(1)), sums_(sums.as<double>()) {
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

void take_sums(Array& a, nb::handle object, const char* name, int64_t n) {
    a.take(object, name, 2, 8, true);
    a.same(name, a.shape(0) == 2 && a.shape(1) == n && a.stride(0) == n);
}

Kept* compress(int dtype, nb::handle grad, nb::handle threshold, nb::handle row_sums,
               nb::handle class_sums, int64_t capacity) {
    CompressJob job{};
    job.dtype = static_cast<DType>(dtype);
    Array g, limits, by_row, by_class;
    g.take(grad, "grad", 2, size_of(job.dtype));
    const int64_t rows = g.shape(0), classes = g.shape(1);
    limits.take(threshold, "threshold", 1, 8);
    limits.same("threshold", limits.shape(0) == rows);
    take_sums(by_row, row_sums, "row_sums", rows);
    take_sums(by_class, class_sums, "class_sums", classes);
    if (capacity < 0) throw nb::value_error("capacity: below 0");
    auto kept = std::make_unique<Kept>(rows, classes, job.dtype == DType::f64,
                                       std::min(capacity, rows * classes));
    const int64_t panels = panels_of(classes), bands = bands_of(rows);
    Tables row_tables(panels, by_row), class_tables(bands, by_class);
    job.to = kept->at;
    job.grad = g.as<void>();
    job.step = g.stride(0);
    job.threshold = limits.as<double>();
    job.row_sums = row_tables.at();
    job.class_sums = class_tables.at();
    job.used = &kept->count;
    const auto work = [&](int64_t begin, int64_t end, char* scratch) {
        chosen().compress(job, begin, end, scratch);
    };
    const int64_t tile = std::min(rows, kBand) * std::min(classes, kPanel);
    const int64_t grain = pieces(kShareOfGradient, std::max<int64_t>(tile, 1));
    Outcome outcome;
    {
        const nb::gil_scoped_release free;
        outcome = parallel_for(panels * bands, grain, chosen().compress_bytes(job), work, signalled);
        if (kept->count <= kept->at.capacity) row_tables.add_up(), class_tables.add_up();
    }
    finish(outcome);
    return kept->count <= kept->at.capacity ? kept.release() : nullptr;
}

// What both products are asked: `factor` has so many rows, and so has `out`.
struct Product {
    std::vector<Entries> chunks;
    Array factor, out;
    ProductJob job{};
    int64_t entries = 0;

    Product(int dtype, const std::vector<const Kept*>& all, nb::handle by, nb::handle to,
            bool transposed) {
        job.dtype = static_cast<DType>(dtype);
        const char* name = transposed ? "hidden" : "classes";
        factor.take(by, name, 2, size_of(job.dtype));
        out.take(to, "out", 2, compute_size(job.dtype), true);
        if (!factor || !out) throw nb::value_error("out: a product needs both of its arrays");
        take(all);
        factor.same(name, factor.shape(0) == (transposed ? job.rows : job.classes));
        out.same("out", out.shape(0) == (transposed ? job.classes : job.rows) &&
                            out.shape(1) == factor.shape(1));
        job.factor = factor.as<void>();
        job.factor_step = factor.stride(0);
        job.out = out.as<void>();
        job.out_step = out.stride(0);
        job.width = factor.shape(1);
    }

    void take(const std::vector<const Kept*>& all) {
        if (all.empty() || std::find(all.begin(), all.end(), nullptr) != all.end())
            throw nb::value_error("entries: of no chunk");
        job.classes = all[0]->at.classes;
        for (const Kept* kept : all) {
            if (kept->at.classes != job.classes || kept->at.wide != (job.dtype == DType::f64))
                throw nb::value_error("entries: of other classes or another compute type");
            chunks.push_back(kept->at);
            job.rows += kept->at.rows;
            entries += kept->count;
        }
        job.chunks = chunks.data();
        job.count = static_cast<int64_t>(chunks.size());
    }

    // So wide that a slice of `rows` rows fills half of a second cache.
    void cut(int64_t rows) {
        const int64_t fit = kSlice / (rows * compute_size(job.dtype)) / 64 * 64;
        job.slice = fit < 64 ? 64 : fit > 256 ? 256 : fit;
    }

    bool is_empty() const { return !entries || !job.width; }
    Outcome run(int64_t units, size_t scratch,
                const std::function<void(int64_t, int64_t, char*)>& work) const {
        return parallel_for(units, entries < kShareOfEntries ? units : 1, scratch, work, signalled);
    }
};

void add_times_classes(int dtype, const std::vector<const Kept*>& all, nb::handle classes,
                       nb::handle out) {
    Product product(dtype, all, classes, out, false);
    if (product.is_empty()) return;
    ProductJob& job = product.job;
    Outcome outcome;
    {
        const nb::gil_scoped_release free;
        product.cut(kPanel);
        // Each part of the rows reads all classes: no more parts than the threads need.
        const int64_t slices = slices_of(job), wanted = 2 * num_threads();
        job.part = slices < wanted ? pieces(job.rows, pieces(wanted, slices)) : job.rows;
        const int64_t units = slices * pieces(job.rows, job.part);
        const size_t scratch = chosen().classes_bytes(job);
        outcome = product.run(units, scratch, [&](int64_t begin, int64_t end, char* memory) {
            chosen().times_classes(job, begin, end, memory);
        });
    }
    finish(outcome);
}

void add_times_hidden(int dtype, const std::vector<const Kept*>& all, nb::handle hidden,
                      nb::handle out) {
    Product product(dtype, all, hidden, out, true);
    if (product.is_empty()) return;
    ProductJob& job = product.job;
    Outcome outcome;
    {
        const nb::gil_scoped_release free;
        product.cut(job.rows);
        // Each unit copies all of hidden: no more units than the threads need.
        const int64_t panels = panels_of(job.classes);
        job.part = pieces(panels, 4 * num_threads());
        job.most = most_in(all, job.part);
        const int64_t units = pieces(panels, job.part);
        const size_t scratch = chosen().hidden_bytes(job);
        outcome = product.run(units, scratch, [&](int64_t begin, int64_t end, char* memory) {
            chosen().times_hidden(job, begin, end, memory);
        });
    }
    finish(outcome);
}

}  // namespace

void define_sparse(nb::module_& m) {
    nb::class_<Kept>(m, "Entries").def_prop_ro("count", [](const Kept& kept) {
        return kept.count;
    });
    m.def("compress", &compress, nb::arg("dtype"), nb::arg("grad"), nb::arg("threshold"),
          nb::arg("row_sums"), nb::arg("class_sums"), nb::arg("capacity"),
          nb::rv_policy::take_ownership);
    m.def("add_times_classes", &add_times_classes, nb::arg("dtype"), nb::arg("entries"),
          nb::arg("classes"), nb::arg("out"));
    m.def("add_times_hidden", &add_times_hidden, nb::arg("dtype"), nb::arg("entries"),
          nb::arg("hidden"), nb::arg("out"));
}

}  // namespace neglog
