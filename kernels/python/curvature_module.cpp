// The curvature of rows' losses, as Python calls it.
#include "python/arrays.hpp"
#include "run.hpp"

namespace neglog {
namespace {

void curvature(int dtype, nb::handle p, nb::handle u, nb::handle share) {
    CurvatureJob job{};
    job.dtype = static_cast<DType>(dtype);
    if (job.dtype != DType::f64 && job.dtype != DType::f32)
        throw nb::value_error("dtype: float64 or float32 alone");
    const Py_ssize_t size = size_of(job.dtype);
    Array of_p, of_u, shares;
    of_p.take(p, "p", 2, size);
    of_u.take(u, "u", 2, size, true);
    shares.take(share, "share", 1, 8);
    if (!of_p || !of_u || !shares) throw nb::value_error("p, u, share: arrays are needed");
    job.rows = of_u.shape(0);
    job.classes = of_u.shape(1);
    of_p.same("p", of_p.like(of_u));
    shares.same("share", shares.shape(0) == job.rows);
    job.p = of_p.as<void>();
    job.u = of_u.as<void>();
    job.p_step = of_p.stride(0);
    job.u_step = of_u.stride(0);
    job.share = shares.as<double>();
    Outcome outcome;
    {
        const nb::gil_scoped_release free;
        outcome = run(job, signalled);
    }
    finish(outcome);
}

}  // namespace

void define_curvature(nb::module_& m) {
    m.def("curvature", &curvature, nb::arg("dtype"), nb::arg("p").none(), nb::arg("u").none(),
          nb::arg("share").none());
}

}  // namespace neglog
