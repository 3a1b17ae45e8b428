// What the caller asks of the kernels: plain data, the same for every instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace neglog {

enum class DType : int { f64, f32, f16, bf16 };
inline constexpr int64_t size_of(DType dtype) {
    return dtype == DType::f64 ? 8 : dtype == DType::f32 ? 4 : 2;
}
// Halves are computed with as float32.
inline constexpr int64_t compute_size(DType dtype) { return dtype == DType::f64 ? 8 : 4; }
enum class Output : int { none, gradient, softmax, log_softmax };

// How many pieces of a size hold n.
static inline int64_t pieces(int64_t n, int64_t size) { return (n + size - 1) / size; }

// Up to this many classes rows are worked on side by side, and may lie so.
constexpr int kFewClasses = 256;

// Where rows lie, in elements.  With columns = 0 each row is contiguous, and `first` is the
// distance from row to row.  Otherwise rows are class-major: `columns` rows stand side by side in a
// block, `first` is the distance from block to block and `step` the distance from class to class.
struct Layout {
    int64_t columns, first, step;
};
static inline int64_t start_of(const Layout& at, int64_t row) {
    return at.columns ? row / at.columns * at.first + row % at.columns : row * at.first;
}

struct PanelState;

// The loss of row i is  nll_coef[i] nll_i + dense_coef[i] dense_i + lse_coef[i] lse_i +
// square_coef[i] lse_i^2 + entropy_coef[i] entropy_i  with nll_i = -log p_y and dense_i = sum_j
// probs_ij (-log p_ij); `output` gradient writes `scale` times its derivative.  A coefficient that
// is a null pointer is 1 for nll and dense where their target is given, else 0.  A row whose
// coefficients are all 0 is skipped: nothing of it is read, all of it is 0.
struct Job {
    int64_t rows, classes;
    DType dtype;
    const void* logits;
    Layout logits_at;
    const void* target;  // int32 or int64, or null
    bool target_is_64;
    const void* probs;  // of the compute type, or null
    Layout probs_at;    // first = 0: one row of them for all
    const double *nll_coef, *dense_coef, *lse_coef, *square_coef, *entropy_coef;
    double scale;
    const double* temperatures;           // one per row, or null
    double temperature;                   // for all rows
    double softcap;                       // 0: none
    double *nll, *dense, *lse, *entropy;  // where the results go, or null
    int64_t* argmax;
    PanelState* states;  // where the sums of rows go, from which their gradient is written; or null
    Output output;
    void* out;
    Layout out_at;
    bool stream;  // `out` is larger than the caches, and not the logits: write it past them
};

// Sums over a row or a part of it, relative to its own maximum.
struct RowState {
    double max;
    double others;     // sum of exp((z - max) / T) without the element at `arg`
    double gaps;       // sum of exp((z - max) / T) (max - z)
    double cross;      // sum of probs (max - z)
    double mass;       // sum of probs without the one at `arg`
    double mass_arg;   // probs at `arg`
    double row_scale;  // times a kept exponential: exp((z - max) / T)
    double power;      // kept exponentials are relative to 2^power
    int64_t arg;       // the first maximum
};

// The state of a tile of rows, one array per number so that each step works on vectors.
constexpr int kTile = 16;
struct alignas(64) TileState {
    double max[kTile], others[kTile], gaps[kTile], cross[kTile], mass[kTile], mass_arg[kTile],
        row_scale[kTile], power[kTile];
    double top_exp[kTile];  // the exponential of the maximum, as kept
    int64_t arg[kTile];
    int64_t target[kTile];                                              // -1: none, -2: not a class
    int64_t skipped[kTile];                                             // -1: skipped, 0: not
    double target_logit[kTile], target_exp[kTile], target_prob[kTile];  // at the target
    double inverse_t[kTile], inverse_low[kTile];  // 1 / temperature and its rounding error
    double log_sum[kTile], inverse_sum[kTile];    // of 1 + others
    double nll_grad[kTile], dense_grad[kTile];    // dL/dnll, dL/ddense, times scale / temperature
    // The gradient is p (total + slope (max - z)) less the targets', and at an `arg` that stands
    // alone it is at_max.
    double total[kTile], slope[kTile], at_max[kTile];
};

// The state of a row after some of its panels, or after all of them at once.
struct PanelState {
    RowState row;         // of panels, row.row_scale: nan where row.arg is a nan's place, else 1
    double target_logit;  // 0 until the panel with the target has been read
};

// A panel of rows: `width` of the job's classes, from `first` on.  The job's logits, output and
// target probabilities are those of the panel.
struct PanelJob {
    Job job;
    int64_t first, width;
    PanelState* states;  // one per row
};

// The curvature of a row's loss, diag(p) - p p', times u: u becomes share p (u - p.u).
struct CurvatureJob {
    int64_t rows, classes;
    DType dtype;  // f64 or f32
    const void* p;
    void* u;
    int64_t p_step, u_step;  // from row to row
    const double* share;     // one per row
};

// The binary case and its parts, element by element.
struct BinaryJob {
    int64_t rows, classes;  // contiguous
    DType dtype;
    const void* logits;
    const void* target;        // compute type, same shape; null for sigmoid and log_sigmoid
    const double* pos_weight;  // one per class, or null
    double scale;
    double* nll;  // or null
    void* out;    // gradient, sigmoid or log_sigmoid; or null
    bool log;     // log_sigmoid rather than sigmoid
};

// Targets that are neither a class nor the index that says "ignore this row".
struct TargetScan {
    int64_t first_bad;  // -1: none
    int64_t ignored;
};

}  // namespace neglog
