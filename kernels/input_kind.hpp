// Are these logits, or probabilities passed by mistake?
#pragma once

#include "rows/job.hpp"

namespace neglog {

// 0: logits, 1: probabilities, 2: log-probabilities.  Reads four rows, each until it is certain to
// be logits.
int kind_of(DType dtype, const void* logits, int64_t rows, int64_t classes, const Layout& at);

}  // namespace neglog
