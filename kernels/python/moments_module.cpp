// The sums behind weighted means, as Python calls them.
#include "moments.hpp"

#include "python/arrays.hpp"

namespace neglog {
namespace {

void moments(nb::handle x, nb::handle weight, nb::handle per, nb::handle group, nb::handle sums) {
    Array values, weights, divisors, groups, to;
    values.take(x, "x", 1, 8);
    if (!values) throw nb::value_error("x: an array is needed");
    const auto rows = [&](Array& a, nb::handle object, const char* name) {
        a.take(object, name, 1, 8);
        if (a) a.same(name, a.shape(0) == values.shape(0));
    };
    rows(weights, weight, "weight");
    rows(divisors, per, "per");
    rows(groups, group, "group");
    to.take(sums, "sums", 2, 8, true);
    if (!to) throw nb::value_error("sums: an array is needed");
    to.same("sums", to.shape(1) == kMoments && (to.shape(0) < 2 || to.stride(0) == kMoments) &&
                        (groups || to.shape(0) == 1));
    const MomentsJob job{values.shape(0),      to.shape(0),           values.as<double>(),
                         weights.as<double>(), divisors.as<double>(), groups.as<int64_t>(),
                         to.as<double>()};
    bool inside;
    {
        const nb::gil_scoped_release free;
        inside = add_moments(job);
    }
    if (!inside) throw nb::index_error("group: beyond the sums");
}

}  // namespace

void define_moments(nb::module_& m) {
    m.def("moments", &moments, nb::arg("x"), nb::arg("weight").none(), nb::arg("per").none(),
          nb::arg("group").none(), nb::arg("sums"));
}

}  // namespace neglog
