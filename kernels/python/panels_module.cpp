// Panels of classes, as Python calls them.
#include "python/arrays.hpp"
#include "run.hpp"

namespace neglog {
namespace {

// The states of rows, what goes along with the rows, and a panel of their logits.
class Panel {
    PanelJob panel_{};
    RowArrays arrays_;
    Array logits_, states_, out_;

public:
    Panel(int dtype, nb::handle states, int64_t classes) {
        panel_.job.dtype = static_cast<DType>(dtype);
        panel_.job.classes = classes;
        take_states(states_, states, "states", true);
        panel_.job.rows = states_.shape(0);
        panel_.states = states_.as<PanelState>();
    }
    static void take_states(Array& a, nb::handle object, const char* name, bool writable) {
        neglog::take_states(a, object, name, writable);
        if (!a) throw nb::value_error((std::string(name) + ": None, but must be states").c_str());
    }
    PanelJob& operator*() { return panel_; }
    PanelJob* operator->() { return &panel_; }

    void take_logits(nb::handle logits, int64_t first, bool writable) {
        Job& job = panel_.job;
        logits_.take(logits, "logits", 2, size_of(job.dtype), writable);
        if (!logits_) throw nb::value_error("logits: None, but must be a panel");
        logits_.same("logits", logits_.shape(0) == job.rows);
        job.logits = logits_.as<void>();
        job.logits_at = logits_.layout();
        panel_.first = first;
        panel_.width = logits_.shape(1);
        if (first < 0 || panel_.width < 1 || first > job.classes - panel_.width)
            throw nb::value_error("logits: the panel lies outside of the classes");
    }
    // Where its gradient goes: None for the logits themselves.
    void take_out(nb::handle out) {
        Job& job = panel_.job;
        out_.take(out, "out", 2, size_of(job.dtype), true);
        if (out_) out_.same("out", out_.like(logits_));
        job.output = Output::gradient;
        job.out = out_ ? out_.as<void>() : logits_.as<void>();
        job.out_at = out_ ? out_.layout() : job.logits_at;
    }
    // (target, probs, temperature, and the coefficients of nll, dense, lse, lse^2 and entropy);
    // probs has `width` classes.
    void take_problem(const nb::tuple& problem, int64_t width) {
        if (problem.size() != 8) throw nb::value_error("problem: must have eight parts");
        Job& job = panel_.job;
        arrays_.take_target(job, problem[0]);
        arrays_.take_probs(job, problem[1], width);
        arrays_.take_temperature(job, problem[2]);
        arrays_.take_coefficients(job, problem[3], problem[4], problem[5], problem[6], problem[7]);
    }
    void take_temperature(nb::handle temperature) {
        arrays_.take_temperature(panel_.job, temperature);
    }
    void take_results(const nb::tuple& results) {
        if (results.size() != 5) throw nb::value_error("results: must have five parts");
        arrays_.take_results(panel_.job, results[0], results[1], results[2], results[3],
                             results[4]);
    }
};

void clear(nb::handle states) { clear_states(*Panel(0, states, 0)); }

// The results' places say what to sum; nothing is written there.
void reduce(int dtype, nb::handle states, nb::handle logits, int64_t first, int64_t classes,
            const nb::tuple& problem, const nb::tuple& results) {
    Panel panel(dtype, states, classes);
    panel.take_logits(logits, first, false);
    panel.take_problem(problem, panel->width);
    panel.take_results(results);
    Outcome outcome;
    {
        const nb::gil_scoped_release free;
        outcome = reduce_panel(*panel, signalled);
    }
    finish(outcome);
}

void merge(nb::handle states, nb::handle others, nb::handle temperature) {
    Panel panel(0, states, 0);
    Array more;
    Panel::take_states(more, others, "others", false);
    more.same("others", more.shape(0) == panel->job.rows);
    panel.take_temperature(temperature);
    merge_states(*panel, more.as<PanelState>());
}

void finish_rows(int dtype, nb::handle states, int64_t classes, const nb::tuple& problem,
                 const nb::tuple& results) {
    Panel panel(dtype, states, classes);
    panel.take_problem(problem, classes);
    panel.take_results(results);
    finish_states(*panel);
}

void write(int dtype, nb::handle states, nb::handle logits, int64_t first, int64_t classes,
           const nb::tuple& problem, double scale, nb::handle out) {
    Panel panel(dtype, states, classes);
    panel.take_logits(logits, first, out.is_none());
    panel.take_problem(problem, panel->width);
    panel.take_out(out);
    panel->job.scale = scale;
    Outcome outcome;
    {
        const nb::gil_scoped_release free;
        outcome = write_panel(*panel, signalled);
    }
    finish(outcome);
}

}  // namespace

void define_panels(nb::module_& m) {
    m.attr("state_numbers") = kStateNumbers;
    m.def("clear_states", &clear, nb::arg("states"));
    m.def("reduce_panel", &reduce, nb::arg("dtype"), nb::arg("states"), nb::arg("logits"),
          nb::arg("first"), nb::arg("classes"), nb::arg("problem"), nb::arg("results"));
    m.def("merge_states", &merge, nb::arg("states"), nb::arg("others"), nb::arg("temperature"));
    m.def("finish_states", &finish_rows, nb::arg("dtype"), nb::arg("states"), nb::arg("classes"),
          nb::arg("problem"), nb::arg("results"));
    m.def("write_panel", &write, nb::arg("dtype"), nb::arg("states"), nb::arg("logits"),
          nb::arg("first"), nb::arg("classes"), nb::arg("problem"), nb::arg("scale"),
          nb::arg("out").none() = nb::none());
}

}  // namespace neglog
