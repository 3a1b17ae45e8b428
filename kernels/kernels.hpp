// The functions that are compiled once for each instruction set.
#pragma once

#include <cstddef>

#include "scores/job.hpp"
#include "sparse/job.hpp"
#include "steps/job.hpp"

namespace neglog {

// One table for each instruction set.  Ranges are of rows, of (row, part) pairs or of elements; in
// the last three functions of tiles and of units.
struct Kernels {
    const char* name;
    size_t (*scratch_bytes)(const Job&);
    int64_t (*parts)(const Job&);  // number of parts of a row
    void (*run)(const Job&, int64_t begin, int64_t end, char* scratch);
    // The three steps of `run`, for few rows of many classes.
    void (*reduce_parts)(const Job&, int64_t begin, int64_t end, RowState* states);
    void (*finish_rows)(const Job&, int64_t begin, int64_t end, const RowState*, TileState*);
    void (*write_parts)(const Job&, int64_t begin, int64_t end, const TileState*, char* scratch);
    // Panels of classes; the ranges are of rows.
    size_t (*panel_bytes)(const PanelJob&);
    void (*clear_states)(const PanelJob&, int64_t begin, int64_t end);
    void (*reduce_panel)(const PanelJob&, int64_t begin, int64_t end);
    void (*merge_states)(const PanelJob&, const PanelState* others, int64_t begin, int64_t end);
    void (*finish_states)(const PanelJob&, int64_t begin, int64_t end);
    void (*write_panel)(const PanelJob&, int64_t begin, int64_t end, char* scratch);
    void (*binary)(const BinaryJob&, int64_t begin, int64_t end);
    void (*curvature)(const CurvatureJob&, int64_t begin, int64_t end);
    TargetScan (*scan)(const void* target, bool is_64, int64_t n, int64_t classes,
                       int64_t ignore_index);
    size_t (*compress_bytes)(const CompressJob&);
    void (*compress)(const CompressJob&, int64_t begin, int64_t end, char* scratch);
    size_t (*classes_bytes)(const ProductJob&);
    void (*times_classes)(const ProductJob&, int64_t begin, int64_t end, char* scratch);
    size_t (*hidden_bytes)(const ProductJob&);
    void (*times_hidden)(const ProductJob&, int64_t begin, int64_t end, char* scratch);
    size_t (*scores_bytes)(const ScoresJob&);
    void (*scores)(const ScoresJob&, int64_t begin, int64_t end, const ScoreSums&, char* scratch);
    size_t (*batch_bytes)(const BatchJob&);
    BatchSums (*batch_gradient)(const BatchJob&, char* scratch);
};

}  // namespace neglog
