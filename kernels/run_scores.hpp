// Runs the kernel of scores on the instruction set in use and shares the rows among threads.
#pragma once

#include "run.hpp"

namespace neglog {

// Adds to `sums`.  The bits do not depend on the number of threads.
Outcome run_scores(const ScoresJob& job, const ScoreSums& sums, const Interrupted& interrupted);

}  // namespace neglog
