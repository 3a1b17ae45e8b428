// What Python calls: arrays in, results written into arrays.  It guards memory (shapes, strides,
// item sizes, bounds); what arguments mean is checked and explained in Python.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <vector>

#include "input_kind.hpp"
#include "python/arrays.hpp"
#include "run.hpp"

namespace neglog {
namespace {

void rows(int dtype, nb::handle logits, nb::handle target, nb::handle probs, nb::handle nll_coef,
          nb::handle dense_coef, nb::handle lse_coef, nb::handle square_coef,
          nb::handle entropy_coef, double scale, nb::handle temperature, double softcap,
          nb::handle nll, nb::handle dense, nb::handle lse, nb::handle entropy, nb::handle argmax,
          nb::handle out, int output, nb::handle states) {
    Job job{};
    job.dtype = static_cast<DType>(dtype);
    job.output = static_cast<Output>(output);
    const Py_ssize_t size = size_of(job.dtype);
    Array z, to, sums;
    z.take(logits, "logits", 2, size, false, 3);
    job.rows = z.rows();
    job.classes = z.shape(1);
    job.logits = z.as<void>();
    job.logits_at = z.layout();
    if (job.rows == 0) return;
    if (job.classes == 0) throw nb::value_error("logits: no classes");
    if (job.logits_at.columns && job.classes > kFewClasses)
        throw nb::value_error("logits: so many classes are read as (N, V) alone");
    RowArrays arrays;
    arrays.take_target(job, target);
    arrays.take_probs(job, probs, job.classes, &z);
    arrays.take_temperature(job, temperature);
    arrays.take_coefficients(job, nll_coef, dense_coef, lse_coef, square_coef, entropy_coef);
    arrays.take_results(job, nll, dense, lse, entropy, argmax);
    job.scale = scale;
    job.softcap = softcap;
    take_states(sums, states, "states", true);
    if (sums) {
        sums.same("states", sums.shape(0) == job.rows);
        if (job.classes <= kFewClasses || softcap != 0)
            throw nb::value_error("states: only of long rows without softcap");
        job.states = sums.as<PanelState>();
    }
    to.take(out, "out", 2, size, true, 3);
    if (to) {
        to.same("out", to.like(z));
        job.out = to.as<void>();
        job.out_at = to.layout();
    } else {
        job.output = Output::none;
    }
    if (is_small(job)) return finish(run(job, signalled));
    Outcome outcome;
    {
        const nb::gil_scoped_release free;
        outcome = run(job, signalled);
    }
    finish(outcome);
}

void binary(int dtype, nb::handle logits, nb::handle target, nb::handle pos_weight, double scale,
            nb::handle nll, nb::handle out, bool log) {
    BinaryJob job{};
    job.dtype = static_cast<DType>(dtype);
    Array z, y, weight, loss, to;
    z.take(logits, "logits", 2, size_of(job.dtype));
    job.rows = z.shape(0);
    job.classes = z.shape(1);
    const auto whole = [&](const Array& a, const char* name) {
        if (a)
            a.same(name, a.shape(0) == job.rows && a.shape(1) == job.classes &&
                             (job.rows < 2 || a.stride(0) == job.classes));
    };
    whole(z, "logits");
    y.take(target, "target", 2, compute_size(job.dtype));
    whole(y, "target");
    weight.take(pos_weight, "pos_weight", 1, 8);
    if (weight) weight.same("pos_weight", weight.shape(0) == job.classes);
    loss.take(nll, "nll", 2, 8, true);
    whole(loss, "nll");
    to.take(out, "out", 2, size_of(job.dtype), true);
    whole(to, "out");
    if (!y && !to) throw nb::value_error("out: sigmoid needs a place for its result");
    job.logits = z.as<void>();
    job.target = y.as<void>();
    job.pos_weight = weight.as<double>();
    job.scale = scale;
    job.nll = loss.as<double>();
    job.out = to.as<void>();
    job.log = log;
    Outcome outcome;
    {
        const nb::gil_scoped_release free;
        outcome = run(job, signalled);
    }
    finish(outcome);
}

nb::tuple scan_targets(nb::handle target, int64_t classes, int64_t ignore_index) {
    Array y;
    y.take(target, "target", 1, nb::cast<int>(nb::getattr(target, "itemsize")) == 8 ? 8 : 4);
    const TargetScan s =
        chosen().scan(y.as<void>(), y.item_size() == 8, y.shape(0), classes, ignore_index);
    return nb::make_tuple(s.first_bad, s.ignored);
}

int input_kind(int dtype, nb::handle logits) {
    Array z;
    z.take(logits, "logits", 2, size_of(static_cast<DType>(dtype)), false, 3);
    return kind_of(static_cast<DType>(dtype), z.as<void>(), z.rows(), z.shape(1), z.layout());
}

}  // namespace
}  // namespace neglog

NB_MODULE(_kernels, m) {
    using namespace neglog;
    m.def("rows", &rows, nb::arg("dtype"), nb::arg("logits"), nb::arg("target").none(),
          nb::arg("probs").none(), nb::arg("nll_coef").none(), nb::arg("dense_coef").none(),
          nb::arg("lse_coef").none(), nb::arg("square_coef").none(), nb::arg("entropy_coef").none(),
          nb::arg("scale"), nb::arg("temperature").none(), nb::arg("softcap"),
          nb::arg("nll").none(), nb::arg("dense").none(), nb::arg("lse").none(),
          nb::arg("entropy").none(), nb::arg("argmax").none(), nb::arg("out").none(),
          nb::arg("output"), nb::arg("states").none() = nb::none());
    m.def("binary", &binary, nb::arg("dtype"), nb::arg("logits"), nb::arg("target").none(),
          nb::arg("pos_weight").none(), nb::arg("scale"), nb::arg("nll").none(),
          nb::arg("out").none(), nb::arg("log"));
    m.def("scan_targets", &scan_targets, nb::arg("target"), nb::arg("classes"),
          nb::arg("ignore_index"));
    m.def("input_kind", &input_kind, nb::arg("dtype"), nb::arg("logits"));
    m.attr("few_classes") = kFewClasses;
    m.attr("least_shared") = kShare;
    m.def("supported", &supported);
    m.def("choose", &choose, nb::arg("instruction_set"));
    m.def("chosen", [] { return std::string(supported().empty() ? "" : chosen().name); });
    m.def("num_threads", &num_threads);
    m.def("set_num_threads", &set_num_threads, nb::arg("n"));
    m.def("set_callers_threads", &set_callers_threads, nb::arg("n"));
    m.def("set_initial_threads", &set_initial_threads, nb::arg("n"), nb::arg("cpu_quota"));
    define_sparse(m);
    define_panels(m);
    define_moments(m);
    define_scores(m);
    define_curvature(m);
    define_steps(m);
}
