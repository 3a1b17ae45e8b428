// Rows a panel of classes at a time, as Python calls them.
#include "arrays.hpp"

namespace neglog {
namespace {

static_assert(sizeof(Partial) == 64, "what is known of a row is eight numbers in Python");

void sweep(int dtype, nb::handle logits, int64_t first, int64_t classes, nb::handle known,
           nb::handle target_logit, nb::handle target, nb::handle probs, nb::handle temperature,
           nb::handle nll, nb::handle dense, nb::handle lse, nb::handle entropy,
           nb::handle argmax) {
    Sweep all{};
    Job& job = all.job;
    Array z, sums, at_target;
    RowArrays arrays;
    job.dtype = static_cast<DType>(dtype);
    z.take(logits, "logits", 2, size_of(job.dtype));
    job.rows = z.shape(0);
    job.classes = classes;
    job.logits = z.as<void>();
    job.logits_at = z.layout();
    all.first = first;
    all.width = z.shape(1);
    if (job.rows == 0) return;
    if (first < 0 || all.width < 1 || first > classes - all.width)
        throw nb::value_error("logits: a panel of other classes than there are");
    arrays.take(job, z, target, probs, temperature, nll, dense, lse, entropy, argmax);
    sums.take(known, "known", 2, 8, true);
    sums.same("known", sums.shape(0) == job.rows && sums.shape(1) == 8 && sums.stride(0) == 8);
    all.known = sums.as<Partial>();
    all.target_logit = arrays.per_row(at_target, target_logit, "target_logit", job, true);
    if (!all.known || !all.target_logit) throw nb::value_error("known: a sweep needs its place");
    Outcome outcome;
    {
        const nb::gil_scoped_release free;
        outcome = share(job.rows, all.width, 0,
                        [&](int64_t begin, int64_t end, char*) { chosen->sweep(all, begin, end); });
    }
    finish(outcome);
}

}  // namespace

void define_sweep(nb::module_& m) {
    m.def("sweep", &sweep, nb::arg("dtype"), nb::arg("logits"), nb::arg("first"),
          nb::arg("classes"), nb::arg("known"), nb::arg("target_logit"), nb::arg("target").none(),
          nb::arg("probs").none(), nb::arg("temperature").none(), nb::arg("nll").none(),
          nb::arg("dense").none(), nb::arg("lse").none(), nb::arg("entropy").none(),
          nb::arg("argmax").none());
}

}  // namespace neglog
