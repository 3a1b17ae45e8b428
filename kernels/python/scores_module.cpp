// The kernel of scores, as Python calls it.
#include "python/arrays.hpp"
#include "run_scores.hpp"

namespace neglog {
namespace {

// Adds to tempered and to the sums of the classes.  Returns how many rows are unlikely.
int64_t scores(int dtype, nb::handle logits, nb::handle target, nb::handle weight, nb::handle rank,
               nb::handle one_vs_rest, nb::handle tempered, nb::handle class_sums,
               nb::handle from_nll, nb::handle unlikely, nb::handle curves) {
    ScoresJob job{};
    job.dtype = static_cast<DType>(dtype);
    Array z, weights, ranks, rests, curve, classes, limits, places, tails;
    z.take(logits, "logits", 2, size_of(job.dtype));
    job.rows = z.shape(0);
    job.classes = z.shape(1);
    if (job.classes == 0) throw nb::value_error("logits: no classes");
    job.logits = z.as<void>();
    job.step = z.stride(0);
    Job rows{};
    rows.rows = job.rows;
    RowArrays arrays;
    arrays.take_target(rows, target);
    if (!rows.target && job.rows) throw nb::value_error("target: None, but must be classes");
    job.target = rows.target;
    job.target_is_64 = rows.target_is_64;
    const auto per_row = [&](Array& a, nb::handle object, const char* name, bool writable) {
        a.take(object, name, 1, 8, writable);
        a.same(name, a.shape(0) == job.rows);
    };
    if (!weight.is_none()) per_row(weights, weight, "weight", false);
    per_row(ranks, rank, "rank", true);
    per_row(rests, one_vs_rest, "one_vs_rest", true);
    job.weight = weights.as<double>();
    job.rank = ranks.as<int64_t>();
    job.one_vs_rest = rests.as<double>();
    curve.take(tempered, "tempered", 1, 8, true);
    curve.same("tempered", curve.shape(0) == 3 * kBetas);
    classes.take(class_sums, "class_sums", 1, 8, true);
    classes.same("class_sums", classes.shape(0) == numbers_of_classes(job));
    if (!from_nll.is_none()) {
        limits.take(from_nll, "from_nll", 1, 8);
        limits.same("from_nll", limits.shape(0) == kBetas);
        per_row(places, unlikely, "unlikely", true);
        tails.take(curves, "curves", 1, 4, true);
        tails.same("curves", tails.shape(0) == job.rows * 4 * kBetas);
        job.from_nll = limits.as<double>();
    }
    UnlikelyRows found{places.as<int64_t>(), tails.as<float>(), 0};
    Outcome outcome;
    {
        const nb::gil_scoped_release free;
        outcome = run_scores(job, {curve.as<double>(), classes.as<double>(), &found}, signalled);
    }
    finish(outcome);
    return found.count;
}

}  // namespace

void define_scores(nb::module_& m) {
    m.def("scores", &scores, nb::arg("dtype"), nb::arg("logits"), nb::arg("target"),
          nb::arg("weight").none(), nb::arg("rank"), nb::arg("one_vs_rest"), nb::arg("tempered"),
          nb::arg("class_sums"), nb::arg("from_nll").none(), nb::arg("unlikely").none(),
          nb::arg("curves").none());
}

}  // namespace neglog
