// Are these logits, or what one passes by mistake?
#pragma once

#include "rows/job.hpp"

namespace neglog {

// 0: logits, 1: probabilities, 2: log-probabilities.  Four rows are looked at, each only as far as
// it could be one of the latter.
int kind_of(DType dtype, const void* logits, int64_t rows, int64_t classes, const Layout& at);

}  // namespace neglog
