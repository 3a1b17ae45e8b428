#include "run.hpp"

#include "cpu.hpp"

namespace neglog {

#define NEGLOG_TABLE(isa)         \
    namespace isa {               \
    extern const Kernels kernels; \
    }
#if defined(NEGLOG_HAS_v2)
NEGLOG_TABLE(v2)
#endif
#if defined(NEGLOG_HAS_v3)
NEGLOG_TABLE(v3)
#endif
#if defined(NEGLOG_HAS_v4)
NEGLOG_TABLE(v4)
#endif
#if defined(NEGLOG_HAS_base)
NEGLOG_TABLE(base)
#endif

namespace {

std::vector<const Kernels*> runnable() {
    std::vector<const Kernels*> all;
#if defined(NEGLOG_HAS_base)
    all.push_back(&base::kernels);
#endif
#if defined(NEGLOG_HAS_v2)
    if (cpu_level() >= 2) all.push_back(&v2::kernels);
#endif
#if defined(NEGLOG_HAS_v3)
    if (cpu_level() >= 3) all.push_back(&v3::kernels);
#endif
#if defined(NEGLOG_HAS_v4)
    if (cpu_level() >= 4) all.push_back(&v4::kernels);
#endif
    return all;
}

const Kernels* best() {
    const std::vector<const Kernels*> all = runnable();
    return all.empty() ? nullptr : all.back();
}
const Kernels* in_use = best();

// Outputs of this many bytes or more, in arrays of their own, are written past the caches.
constexpr int64_t kStream = int64_t{1} << 22;

// In place there is nothing to gain: the lines are in the cache, and the next reader wants them
// there.
bool is_streamed(const Job& job, int64_t width) {
    return job.rows * width >= kStream / size_of(job.dtype) && job.out != job.logits;
}

using Work = std::function<void(int64_t, int64_t, char*)>;

Outcome share(int64_t units, int64_t unit_elements, size_t scratch, const Work& work,
              const Interrupted& interrupted) {
    const int64_t least = pieces(kShare, unit_elements);
    // Whole tiles of rows, and whole strips where rows are class-major.
    const int64_t whole = least < 16 ? 1 : least < 128 ? 16 : 256;
    const int64_t grain = pieces(least, whole) * whole;
    return parallel_for(units, grain, scratch, work, interrupted);
}

// Few rows of many classes: the threads share the parts of a row.
Outcome run_parts(const Job& job, int64_t parts, size_t scratch, const Interrupted& interrupted) {
    const Kernels& k = chosen();
    const int64_t units = job.rows * parts, size = job.classes / parts;
    std::vector<RowState> states(static_cast<size_t>(units));
    std::vector<TileState> finished(static_cast<size_t>(job.rows));
    const auto reduce = [&](int64_t begin, int64_t end, char*) {
        k.reduce_parts(job, begin, end, states.data());
    };
    const Outcome reduced = share(units, size, 0, reduce, interrupted);
    if (reduced != Outcome::done) return reduced;
    k.finish_rows(job, 0, job.rows, states.data(), finished.data());
    if (job.output == Output::none) return Outcome::done;
    const auto write = [&](int64_t begin, int64_t end, char* memory) {
        k.write_parts(job, begin, end, finished.data(), memory);
    };
    return share(units, size, scratch, write, interrupted);
}

}  // namespace

std::vector<std::string> supported() {
    std::vector<std::string> names;
    for (const Kernels* k : runnable()) names.push_back(k->name);
    return names;
}

void choose(const std::string& name) {
    for (const Kernels* k : runnable())
        if (name == k->name) in_use = k;
}

const Kernels& chosen() { return *in_use; }

bool is_small(const Job& job) { return job.rows * job.classes < kShare; }

Outcome run(Job job, const Interrupted& interrupted) {
    const Kernels& k = chosen();
    job.stream = is_streamed(job, job.classes);
    const int64_t parts = k.parts(job);
    const size_t scratch = k.scratch_bytes(job);
    if (parts >= 2 && job.rows < 4 * num_threads())
        return run_parts(job, parts, scratch, interrupted);
    const auto work = [&](int64_t begin, int64_t end, char* memory) {
        k.run(job, begin, end, memory);
    };
    return share(job.rows, job.classes, scratch, work, interrupted);
}

Outcome run(const BinaryJob& job, const Interrupted& interrupted) {
    const auto work = [&](int64_t begin, int64_t end, char*) { chosen().binary(job, begin, end); };
    return share(job.rows * job.classes, 1, 0, work, interrupted);
}

Outcome run(const CurvatureJob& job, const Interrupted& interrupted) {
    const auto work = [&](int64_t begin, int64_t end, char*) {
        chosen().curvature(job, begin, end);
    };
    return share(job.rows, job.classes, 0, work, interrupted);
}

Outcome run(const BatchJob& job, BatchSums& sums, const Interrupted& interrupted) {
    const auto work = [&](int64_t, int64_t, char* memory) {
        sums = chosen().batch_gradient(job, memory);
    };
    return parallel_for(1, 1, chosen().batch_bytes(job), work, interrupted);
}

void clear_states(const PanelJob& panel) { chosen().clear_states(panel, 0, panel.job.rows); }

Outcome reduce_panel(const PanelJob& panel, const Interrupted& interrupted) {
    const auto work = [&](int64_t begin, int64_t end, char*) {
        chosen().reduce_panel(panel, begin, end);
    };
    return share(panel.job.rows, panel.width, 0, work, interrupted);
}

void merge_states(const PanelJob& panel, const PanelState* others) {
    chosen().merge_states(panel, others, 0, panel.job.rows);
}

void finish_states(const PanelJob& panel) { chosen().finish_states(panel, 0, panel.job.rows); }

Outcome write_panel(PanelJob panel, const Interrupted& interrupted) {
    panel.job.stream = is_streamed(panel.job, panel.width);
    const auto work = [&](int64_t begin, int64_t end, char* memory) {
        chosen().write_panel(panel, begin, end, memory);
    };
    return share(panel.job.rows, panel.width, chosen().panel_bytes(panel), work, interrupted);
}

}  // namespace neglog
