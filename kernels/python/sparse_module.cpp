// The sparse kernels as Python calls them: entries are opaque there, so none can be forged.
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "python/arrays.hpp"
#include "run_sparse.hpp"

namespace neglog {
namespace {

void take_sums(Array& a, nb::handle object, const char* name, int64_t n) {
    a.take(object, name, 2, 8, true);
    a.same(name, a.shape(0) == 2 && a.shape(1) == n && a.stride(0) == n);
}

Kept* compress_gradient(int dtype, nb::handle grad, nb::handle threshold, nb::handle row_sums,
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
    job.grad = g.as<void>();
    job.step = g.stride(0);
    job.threshold = limits.as<double>();
    job.row_sums = by_row.as<double>();
    job.class_sums = by_class.as<double>();
    Outcome outcome;
    {
        const nb::gil_scoped_release free;
        outcome = compress(job, *kept, signalled);
    }
    finish(outcome);
    return kept->count <= kept->at.capacity ? kept.release() : nullptr;
}

// The arguments of both products.
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
};

using Run = Outcome (*)(ProductJob, int64_t, const Interrupted&);

void multiply(int dtype, const std::vector<const Kept*>& all, nb::handle by, nb::handle to,
              bool transposed, Run add) {
    const Product product(dtype, all, by, to, transposed);
    if (!product.entries || !product.job.width) return;
    Outcome outcome;
    {
        const nb::gil_scoped_release free;
        outcome = add(product.job, product.entries, signalled);
    }
    finish(outcome);
}

void times_classes(int dtype, const std::vector<const Kept*>& all, nb::handle classes,
                   nb::handle out) {
    multiply(dtype, all, classes, out, false, add_times_classes);
}

void times_hidden(int dtype, const std::vector<const Kept*>& all, nb::handle hidden,
                  nb::handle out) {
    multiply(dtype, all, hidden, out, true, add_times_hidden);
}

}  // namespace

void define_sparse(nb::module_& m) {
    nb::class_<Kept>(m, "Entries").def_prop_ro("count", [](const Kept& kept) {
        return kept.count;
    });
    m.def("compress", &compress_gradient, nb::arg("dtype"), nb::arg("grad"), nb::arg("threshold"),
          nb::arg("row_sums"), nb::arg("class_sums"), nb::arg("capacity"),
          nb::rv_policy::take_ownership);
    m.def("add_times_classes", &times_classes, nb::arg("dtype"), nb::arg("entries"),
          nb::arg("classes"), nb::arg("out"));
    m.def("add_times_hidden", &times_hidden, nb::arg("dtype"), nb::arg("entries"),
          nb::arg("hidden"), nb::arg("out"));
}

}  // namespace neglog
