// The large entries of a gradient and their products: plain data, the same everywhere.
#pragma once

#include "rows/job.hpp"

namespace neglog {

// The entries of a gradient (rows, classes) that are worth a product, tile by tile.  A tile is a
// band of rows by a panel of classes; its entries are ordered by row, then by class.  The place of
// a tile in the pool depends on the order in which threads finish; its content does not.
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

// An entry is kept where |grad| > threshold of its row, or where it is nan.  The magnitudes of the
// others are summed by row and by class, separately for each sign (0: positive, 1: negative).
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
// of several chunks, whose rows are numbered consecutively.  No two units write to the same place.
struct ProductJob {
    const Entries* chunks;
    int64_t count, rows, classes;
    DType dtype;
    const void* factor;
    int64_t factor_step;
    void* out;  // of the compute type
    int64_t out_step;
    int64_t width, slice;  // columns of the factor; columns of a slice
    int64_t part;          // rows of a unit in times_classes, panels of a unit in times_hidden
    int64_t most;          // entries in the fullest of these units
};
static inline int64_t slices_of(const ProductJob& job) { return pieces(job.width, job.slice); }

}  // namespace neglog
