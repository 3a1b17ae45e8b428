// Runs jobs on the instruction set in use and shares them among threads.  A binding for a language
// or an array library includes this header and fills in jobs; nothing here knows Python.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kernels.hpp"
#include "pool.hpp"

namespace neglog {

// Called by the calling thread about twenty times a second; true ends the work.
using Interrupted = std::function<bool()>;

std::vector<std::string> supported();  // instruction sets that this CPU has, the best one last
void choose(const std::string& name);  // one of them; the best one is in use from the start
const Kernels& chosen();               // valid only if `supported` names any

// Elements worth a thread of their own, about 20 microseconds of work: less is not shared, but done
// by the calling thread.
constexpr int64_t kShare = 1 << 15;
bool is_small(const Job& job);

Outcome run(Job job, const Interrupted& interrupted);  // decides on job.stream
Outcome run(const BinaryJob& job, const Interrupted& interrupted);
Outcome run(const CurvatureJob& job, const Interrupted& interrupted);
Outcome run(const BatchJob& job, BatchSums& sums, const Interrupted& interrupted);

// Rows a panel of classes at a time.  The caller clears the states of the rows, reduces each panel
// into them, in any order and perhaps into several sets of states that it merges, finishes them
// once all classes have been reduced, and then may write the gradient of any panel.
void clear_states(const PanelJob& panel);
Outcome reduce_panel(const PanelJob& panel, const Interrupted& interrupted);
void merge_states(const PanelJob& panel, const PanelState* others);
void finish_states(const PanelJob& panel);
Outcome write_panel(PanelJob panel, const Interrupted& interrupted);  // decides on job.stream

}  // namespace neglog
