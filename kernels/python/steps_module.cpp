// The gradient of a mini-batch, as Python calls it.
#include "python/arrays.hpp"
#include "run.hpp"

namespace neglog {
namespace {

double batch_gradient(nb::handle table, int64_t dense, int64_t ones, nb::handle places,
                      nb::handle weights, nb::handle gradient) {
    Array rows, chosen_rows, w, g;
    rows.take(table, "table", 2, 1);
    chosen_rows.take(places, "places", 1, 8);
    w.take(weights, "weights", 2, 4);
    g.take(gradient, "gradient", 2, 4, true);
    BatchJob job{rows.as<char>(),
                 rows.shape(0),
                 rows.shape(1),
                 dense,
                 ones,
                 chosen_rows.as<int64_t>(),
                 chosen_rows.shape(0),
                 w.as<float>(),
                 g.as<float>(),
                 w.shape(0),
                 w.shape(1)};
    const int64_t words = 4;
    rows.same("table", dense >= 1 && ones >= 0 && ones < job.row_bytes && dense <= job.features &&
                           rows.shape(0) > 0 && job.row_bytes == words * (dense + ones + 3) &&
                           rows.stride(0) == job.row_bytes &&
                           reinterpret_cast<uintptr_t>(job.table) % words == 0);
    w.same("weights", job.classes > 0 && w.stride(0) == job.classes);
    g.same("gradient", g.like(w) && g.stride(0) == job.classes);
    BatchSums sums;
    Outcome outcome;
    {
        const nb::gil_scoped_release free;
        outcome = run(job, sums, signalled);
    }
    finish(outcome);
    if (!sums.inside) throw nb::index_error("table: a place, a feature or a class beyond the end");
    return sums.weight;
}

}  // namespace

void define_steps(nb::module_& m) {
    m.def("batch_gradient", &batch_gradient, nb::arg("table"), nb::arg("dense"), nb::arg("ones"),
          nb::arg("places"), nb::arg("weights"), nb::arg("gradient"));
}

}  // namespace neglog
