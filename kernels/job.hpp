// What the caller asks of the kernels: plain data, the same for every instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace neglog {

enum class DType : int { f64, f32, f16, bf16 };
inline constexpr int64_t size_of(DType dtype) {
    return dtype == DType::f64 ? 8 : dtype == DType::f32 ? 4 : 2;
}
enum class Emit : int { none, gradient, softmax, log_softmax };

// How many pieces of a size hold n.
static inline int64_t pieces(int64_t n, int64_t size) { return (n + size - 1) / size; }

// Up to this many classes rows are worked on side by side, and may lie so.
constexpr int kFewClasses = 256;

// Where rows lie, in elements.  Without columns each is contiguous, `first` from row to row.  With
// them they are class-major: rows stand side by side, so many in a block, `first` from block to
// block and `step` from class to class.
struct Layout {
    int64_t columns, first, step;
};
static inline int64_t start_of(const Layout& at, int64_t row) {
    return at.columns ? row / at.columns * at.first + row % at.columns : row * at.first;
}

// The loss of row i is  nll_coef[i] nll_i + dense_coef[i] dense_i + lse_coef[i] lse_i +
// square_coef[i] lse_i^2 + entropy_coef[i] entropy_i  with nll_i = -log p_y and dense_i = sum_j
// probs_ij (-log p_ij); `emit` gradient writes `scale` times its derivative.  A coefficient that is
// a null pointer is 1 for nll and dense where their target is given, else 0.  A row whose
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
    const double* temperatures;           // one a row, or null
    double temperature;                   // for all rows
    double softcap;                       // 0: none
    double *nll, *dense, *lse, *entropy;  // where the results go, or null
    int64_t* argmax;
    Emit emit;
    void* out;
    Layout out_at;
    bool stream;  // `out` is larger than the caches, and not the logits: write it past them
};

// Sums over a row or a part of it, relative to its own maximum.
struct Partial {
    double max;
    double others;    // sum of exp((z - max) / T) but for the one element at `arg`
    double spread;    // sum of exp((z - max) / T) (max - z)
    double cross;     // sum of probs (max - z)
    double mass;      // sum of probs but for the one at `arg`
    double mass_arg;  // probs at `arg`
    double unit;      // turns an exponential that was kept into exp((z - max) / T)
    int64_t arg;      // the first maximum
};

// All that is known of a tile of rows, kept so that each step is one of vectors.
constexpr int kTile = 16;
struct alignas(64) Rows {
    double max[kTile], others[kTile], spread[kTile], cross[kTile], mass[kTile], mass_arg[kTile],
        unit[kTile];
    int64_t arg[kTile];
    int64_t target[kTile];                                              // -1: none, -2: not a class
    int64_t skipped[kTile];                                             // -1: skipped, 0: not
    double target_logit[kTile], target_exp[kTile], target_prob[kTile];  // at the target
    double inverse_t[kTile], inverse_low[kTile];  // 1 / temperature, and what it is rounded by
    double log_sum[kTile], inverse_sum[kTile];    // of 1 + others
    double nll_grad[kTile], dense_grad[kTile];    // dL/dnll, dL/ddense, times scale / temperature
    // The gradient is p (total + slope (max - z)) less the targets', and at `arg` it is at_max.
    double total[kTile], slope[kTile], at_max[kTile];
};

// Rows of which a panel of classes is there: the logits of job, `width` of its classes from `first`
// on.  What is known of each row so far is kept with the caller, who brings the panels in order.
struct Sweep {
    Job job;
    int64_t first, width;
    Partial* known;
    double* target_logit;  // one a row
};

// The binary case and its parts, element by element.
struct BinaryJob {
    int64_t rows, classes;  // contiguous
    DType dtype;
    const void* logits;
    const void* target;        // compute type, same shape; null for sigmoid and log_sigmoid
    const double* pos_weight;  // one a class, or null
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

// The entries of a gradient (rows, classes) that are worth a product, tile by tile: the rows of a
// band in the classes of a panel, ordered by row, then by class.  Where a tile lies in the pool
// depends on who came first; what is in it does not.
constexpr int64_t kBand = 512, kPanel = 1024;
struct Entries {
    int64_t rows, classes;
    bool wide;          // values are float64, else float32
    int64_t capacity;   // of the pool
    uint16_t* columns;  // the class, less the panel's first
    void* values;
    int64_t* starts;  // (bands, panels): where a tile begins in the pool
    uint32_t* ends;   // (panels, rows): where a row ends, from the tile's begin
};
static inline int64_t panels_of(int64_t classes) { return pieces(classes, kPanel); }
static inline int64_t bands_of(int64_t rows) { return pieces(rows, kBand); }

// An entry is kept where |grad| > threshold of its row, or where it is nan.  What is left out is
// summed by row and by class, for each sign (0: positive, 1: negative) the magnitudes.
struct CompressJob {
    Entries to;
    DType dtype;
    const void* grad;
    int64_t step;  // from row to row
    const double* threshold;
    double* row_sums;    // (panels, 2, rows)
    double* class_sums;  // (bands, 2, classes)
    int64_t* used;       // entries found so far, by all threads; above the capacity: too many
};

// out += entries @ factor (classes, width), or out += entries' @ factor (rows, width); the entries
// of some chunks of rows, one below the other.  No two units write to the same place.
struct ProductJob {
    const Entries* chunks;
    int64_t count, rows, classes;
    DType dtype;
    const void* factor;
    int64_t factor_step;
    void* out;  // of the compute type
    int64_t out_step;
    int64_t width, slice;  // columns; so many at a time
    int64_t part;          // rows of a unit in times_classes, panels of a unit in times_hidden
    int64_t most;          // entries in such panels
};
static inline int64_t slices_of(const ProductJob& job) { return pieces(job.width, job.slice); }

// One table for each instruction set.  Ranges are of rows, of (row, part) pairs, or of elements; in
// the last three of tiles and of units.
struct Kernels {
    const char* name;
    size_t (*scratch_bytes)(const Job&);
    int64_t (*parts)(const Job&);  // into how many parts a row is cut
    void (*run)(const Job&, int64_t begin, int64_t end, char* scratch);
    // Few rows of many classes: the three steps of `run`, for parts of rows.
    void (*reduce_parts)(const Job&, int64_t begin, int64_t end, Partial* partials);
    void (*finish_rows)(const Job&, int64_t begin, int64_t end, const Partial*, Rows*);
    void (*emit_parts)(const Job&, int64_t begin, int64_t end, const Partial*, const Rows*,
                       char* scratch);
    void (*sweep)(const Sweep&, int64_t begin, int64_t end);
    void (*binary)(const BinaryJob&, int64_t begin, int64_t end);
    TargetScan (*scan)(const void* target, bool is_64, int64_t n, int64_t classes,
                       int64_t ignore_index);
    size_t (*compress_bytes)(const CompressJob&);
    void (*compress)(const CompressJob&, int64_t begin, int64_t end, char* scratch);
    size_t (*classes_bytes)(const ProductJob&);
    void (*times_classes)(const ProductJob&, int64_t begin, int64_t end, char* scratch);
    size_t (*hidden_bytes)(const ProductJob&);
    void (*times_hidden)(const ProductJob&, int64_t begin, int64_t end, char* scratch);
};

}  // namespace neglog
