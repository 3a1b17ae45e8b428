// What Python calls: arrays in, results written into arrays.  It guards memory (shapes, strides,
// item sizes, bounds); what arguments mean is checked and explained in Python.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <vector>

#include "arrays.hpp"
#include "input_kind.hpp"

namespace neglog {

#define NEGLOG_TABLE(isa)         \
    namespace isa {               \
    extern const Kernels kernels; \
    }
#if defined(NEGLOG_HAS_v2)
NEGLOG_TABLE(v2)
#endif
#if defined(NEGLOG_HAS_v3)
NEGLOG_TABLE(v3)
#endif
#if defined(NEGLOG_HAS_v4)
NEGLOG_TABLE(v4)
#endif
#if defined(NEGLOG_HAS_base)
NEGLOG_TABLE(base)
#endif

const Kernels* chosen = nullptr;

namespace {

// The tables that this CPU can run, the best one last.
std::vector<const Kernels*> runnable() {
    std::vector<const Kernels*> all;
#if defined(NEGLOG_HAS_base)
    all.push_back(&base::kernels);
#endif
#if defined(NEGLOG_HAS_v2)
    if (__builtin_cpu_supports("x86-64-v2")) all.push_back(&v2::kernels);
#endif
#if defined(NEGLOG_HAS_v3)
    if (__builtin_cpu_supports("x86-64-v3")) all.push_back(&v3::kernels);
#endif
#if defined(NEGLOG_HAS_v4)
    if (__builtin_cpu_supports("x86-64-v4")) all.push_back(&v4::kernels);
#endif
    return all;
}

std::vector<std::string> supported() {
    std::vector<std::string> names;
    for (const Kernels* k : runnable()) names.push_back(k->name);
    return names;
}

void choose(const std::string& name) {
    for (const Kernels* k : runnable())
        if (name == k->name) chosen = k;
}

// Outputs from here on, in arrays of their own, are written past the caches.
constexpr int64_t kStream = int64_t{1} << 22;

Outcome run_job(const Job& job) {
    const Kernels& k = *chosen;
    const int64_t parts = k.parts(job);
    const size_t scratch = k.scratch_bytes(job);
    if (parts < 2 || job.rows >= 4 * num_threads())
        return share(job.rows, job.classes, scratch, [&](int64_t begin, int64_t end, char* memory) {
            k.run(job, begin, end, memory);
        });
    // Few rows of many classes: the threads share the parts of a row.
    const int64_t units = job.rows * parts, size = job.classes / parts;
    std::vector<Partial> partials(static_cast<size_t>(units));
    std::vector<Rows> factors(static_cast<size_t>(job.rows));
    const Outcome reduced = share(units, size, 0, [&](int64_t begin, int64_t end, char*) {
        k.reduce_parts(job, begin, end, partials.data());
    });
    if (reduced != Outcome::done) return reduced;
    k.finish_rows(job, 0, job.rows, partials.data(), factors.data());
    if (job.emit == Emit::none) return Outcome::done;
    return share(units, size, scratch, [&](int64_t begin, int64_t end, char* memory) {
        k.emit_parts(job, begin, end, partials.data(), factors.data(), memory);
    });
}

void rows(int dtype, nb::handle logits, nb::handle target, nb::handle probs, nb::handle nll_coef,
          nb::handle dense_coef, nb::handle lse_coef, nb::handle square_coef,
          nb::handle entropy_coef, double scale, nb::handle temperature, double softcap,
          nb::handle nll, nb::handle dense, nb::handle lse, nb::handle entropy, nb::handle argmax,
          nb::handle out, int emit) {
    Job job{};
    job.dtype = static_cast<DType>(dtype);
    job.emit = static_cast<Emit>(emit);
    const Py_ssize_t size = size_of(job.dtype);
    Array z, to, coef[5];
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
    arrays.take(job, z, target, probs, temperature, nll, dense, lse, entropy, argmax);
    job.nll_coef = arrays.per_row(coef[0], nll_coef, "nll_coef", job);
    job.dense_coef = arrays.per_row(coef[1], dense_coef, "dense_coef", job);
    job.lse_coef = arrays.per_row(coef[2], lse_coef, "lse_coef", job);
    job.square_coef = arrays.per_row(coef[3], square_coef, "square_coef", job);
    job.entropy_coef = arrays.per_row(coef[4], entropy_coef, "entropy_coef", job);
    job.scale = scale;
    job.softcap = softcap;
    to.take(out, "out", 2, size, true, 3);
    if (to) {
        to.same("out", to.like(z));
        job.out = to.as<void>();
        job.out_at = to.layout();
    } else {
        job.emit = Emit::none;
    }
    const int64_t elements = job.rows * job.classes;
    // In place there is nothing to gain: the lines are in the cache, and are wanted there next.
    job.stream = elements >= kStream / size && job.out != job.logits;
    if (elements < kShare) return finish(run_job(job));
    Outcome outcome;
    {
        const nb::gil_scoped_release free;
        outcome = run_job(job);
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
    const int64_t n = job.rows * job.classes;
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
    const nb::gil_scoped_release free;
    const Outcome outcome =
        share(n, 1, 0, [&](int64_t begin, int64_t end, char*) { chosen->binary(job, begin, end); });
    const nb::gil_scoped_acquire hold;
    finish(outcome);
}

nb::tuple scan_targets(nb::handle target, int64_t classes, int64_t ignore_index) {
    Array y;
    y.take(target, "target", 1, nb::cast<int>(nb::getattr(target, "itemsize")) == 8 ? 8 : 4);
    const TargetScan s =
        chosen->scan(y.as<void>(), y.item_size() == 8, y.shape(0), classes, ignore_index);
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
    if (!runnable().empty()) chosen = runnable().back();
    m.def("rows", &rows, nb::arg("dtype"), nb::arg("logits"), nb::arg("target").none(),
          nb::arg("probs").none(), nb::arg("nll_coef").none(), nb::arg("dense_coef").none(),
          nb::arg("lse_coef").none(), nb::arg("square_coef").none(), nb::arg("entropy_coef").none(),
          nb::arg("scale"), nb::arg("temperature").none(), nb::arg("softcap"),
          nb::arg("nll").none(), nb::arg("dense").none(), nb::arg("lse").none(),
          nb::arg("entropy").none(), nb::arg("argmax").none(), nb::arg("out").none(),
          nb::arg("emit"));
    m.def("binary", &binary, nb::arg("dtype"), nb::arg("logits"), nb::arg("target").none(),
          nb::arg("pos_weight").none(), nb::arg("scale"), nb::arg("nll").none(),
          nb::arg("out").none(), nb::arg("log"));
    m.def("scan_targets", &scan_targets, nb::arg("target"), nb::arg("classes"),
          nb::arg("ignore_index"));
    m.def("input_kind", &input_kind, nb::arg("dtype"), nb::arg("logits"));
    m.attr("few_classes") = kFewClasses;
    m.def("supported", &supported);
    m.def("choose", &choose, nb::arg("instruction_set"));
    m.def("chosen", [] { return std::string(chosen ? chosen->name : ""); });
    m.def("num_threads", &num_threads);
    m.def("set_num_threads", &set_num_threads, nb::arg("n"));
    define_sparse(m);
    define_sweep(m);
}
