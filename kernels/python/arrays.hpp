// What the files that know Python share: views of its arrays, its signals.
#pragma once

#include <nanobind/nanobind.h>

#include <new>
#include <string>

#include "pool.hpp"
#include "rows/job.hpp"

namespace neglog {

namespace nb = nanobind;

// A borrowed view of an array; the buffer protocol costs a tenth of a DLPack capsule.
class Array {
    Py_buffer view_{};
    bool held_ = false;

public:
    Array() = default;
    Array(const Array&) = delete;
    Array& operator=(const Array&) = delete;
    ~Array() {
        if (held_) PyBuffer_Release(&view_);
    }

    // Null for None; otherwise `dims` dimensions (up to `most`) of items of `size` bytes, the last
    // contiguous.
    void take(nb::handle object, const char* name, int dims, Py_ssize_t size, bool writable = false,
              int most = 0) {
        if (object.is_none()) return;
        if (PyObject_GetBuffer(object.ptr(), &view_,
                               writable ? PyBUF_STRIDES | PyBUF_WRITABLE : PyBUF_STRIDES))
            throw nb::python_error();
        held_ = true;
        const int last = view_.ndim - 1;
        bool fits = dims <= view_.ndim && view_.ndim <= (most ? most : dims);
        fits = fits && view_.itemsize == size;
        fits = fits && (view_.shape[last] < 2 || view_.strides[last] == size);
        for (int i = 0; fits && i < last; ++i) fits = view_.strides[i] % size == 0;
        if (!fits)
            throw nb::value_error(
                (std::string(name) + ": not an array of the kind the kernels read").c_str());
    }
    explicit operator bool() const { return held_; }
    int64_t shape(int i) const { return view_.shape[i]; }
    int dims() const { return view_.ndim; }
    int64_t stride(int i) const { return view_.strides[i] / view_.itemsize; }
    int64_t item_size() const { return view_.itemsize; }
    // Rows of (N, V), or of (B, V, M), which has B x M.
    int64_t rows() const { return dims() == 3 ? shape(0) * shape(2) : shape(0); }
    Layout layout() const {
        return dims() == 3 ? Layout{shape(2), stride(0), stride(1)} : Layout{0, stride(0), 1};
    }
    bool like(const Array& other) const {
        bool same = dims() == other.dims();
        for (int i = 0; same && i < dims(); ++i) same = shape(i) == other.shape(i);
        return same;
    }
    template <class T> T* as() const { return static_cast<T*>(held_ ? view_.buf : nullptr); }
    void same(const char* name, bool equal) const {
        if (held_ && !equal)
            throw nb::value_error(
                (std::string(name) + ": its shape does not match the others").c_str());
    }
};

inline bool signalled() {
    const nb::gil_scoped_acquire hold;
    return PyErr_CheckSignals() != 0;
}

inline void finish(Outcome outcome) {
    if (outcome == Outcome::interrupted) throw nb::python_error();
    if (outcome == Outcome::no_memory) throw std::bad_alloc();
}

constexpr int64_t kStateNumbers = sizeof(PanelState) / sizeof(double);

// One state for each of the rows.
inline void take_states(Array& a, nb::handle object, const char* name, bool writable) {
    a.take(object, name, 2, 8, writable);
    if (a)
        a.same(name,
               a.shape(1) == kStateNumbers && (a.shape(0) < 2 || a.stride(0) == kStateNumbers));
}

// What goes along with rows of logits, and where their numbers go.
class RowArrays {
    Array target_, probs_, temperatures_, coefficients_[5], numbers_[4], argmax_;

    double* per_row(Array& a, nb::handle object, const char* name, const Job& job,
                    bool writable = false) {
        a.take(object, name, 1, 8, writable);
        if (a) a.same(name, a.shape(0) == job.rows);
        return a.as<double>();
    }

public:
    void take_target(Job& job, nb::handle target) {
        if (target.is_none()) return;
        const bool is_64 = nb::cast<int>(nb::getattr(target, "itemsize")) == 8;
        target_.take(target, "target", 1, is_64 ? 8 : 4);
        target_.same("target", target_.shape(0) == job.rows);
        job.target = target_.as<void>();
        job.target_is_64 = is_64;
    }
    // Probabilities (1, width) for all rows; or, given the logits, of their shape.
    void take_probs(Job& job, nb::handle probs, int64_t width, const Array* logits = nullptr) {
        probs_.take(probs, "probs", 2, compute_size(job.dtype), false, 3);
        if (!probs_) return;
        const bool shared = probs_.dims() == 2 && probs_.shape(0) == 1;
        probs_.same("probs",
                    shared ? probs_.shape(1) == width : logits != nullptr && probs_.like(*logits));
        job.probs = probs_.as<void>();
        job.probs_at = shared ? Layout{0, 0, 1} : probs_.layout();
    }
    void take_temperature(Job& job, nb::handle temperature) {
        job.temperature = 1;
        if (PyFloat_Check(temperature.ptr()))
            job.temperature = PyFloat_AsDouble(temperature.ptr());
        else
            job.temperatures = per_row(temperatures_, temperature, "temperature", job);
    }
    void take_coefficients(Job& job, nb::handle nll, nb::handle dense, nb::handle lse,
                           nb::handle square, nb::handle entropy) {
        job.nll_coef = per_row(coefficients_[0], nll, "nll_coef", job);
        job.dense_coef = per_row(coefficients_[1], dense, "dense_coef", job);
        job.lse_coef = per_row(coefficients_[2], lse, "lse_coef", job);
        job.square_coef = per_row(coefficients_[3], square, "square_coef", job);
        job.entropy_coef = per_row(coefficients_[4], entropy, "entropy_coef", job);
    }
    void take_results(Job& job, nb::handle nll, nb::handle dense, nb::handle lse,
                      nb::handle entropy, nb::handle argmax) {
        job.nll = per_row(numbers_[0], nll, "nll", job, true);
        job.dense = per_row(numbers_[1], dense, "dense", job, true);
        job.lse = per_row(numbers_[2], lse, "lse", job, true);
        job.entropy = per_row(numbers_[3], entropy, "entropy", job, true);
        per_row(argmax_, argmax, "argmax", job, true);
        job.argmax = argmax_.as<int64_t>();
    }
};

void define_panels(nb::module_& m);
void define_moments(nb::module_& m);    // what panels_module.cpp adds to the module
void define_sparse(nb::module_& m);     // what sparse_module.cpp adds
void define_scores(nb::module_& m);     // what scores_module.cpp adds
void define_curvature(nb::module_& m);  // what curvature_module.cpp adds
void define_steps(nb::module_& m);      // what steps_module.cpp adds

}  // namespace neglog
