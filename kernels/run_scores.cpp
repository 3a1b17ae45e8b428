#include "run_scores.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace neglog {
namespace {

// Rows are cut into as many parts as their number and that of the classes ask for, not the threads;
// each part has sums of its own, which are added up in their order.
constexpr int64_t kMostParts = 64;
constexpr int64_t kMostNumbers = 1 << 19;  // of all parts: 4 MiB, or two parts
// Rows of a part: making and adding sums of 1,000 classes then takes a tenth of the time.
constexpr int64_t kLeastRows = 4096;

// Elements of a part between two looks at the clock: some milliseconds.
constexpr int64_t kRound = 1 << 22;

int64_t parts_of(const ScoresJob& job) {
    const int64_t most = std::clamp<int64_t>(kMostNumbers / numbers_of_classes(job), 2, kMostParts);
    const int64_t least = is_binned(job) ? kLeastRows : pieces(kLeastRows, job.classes);
    return std::clamp<int64_t>(job.rows / least, 1, most);
}

// Where the rows from `begin` on may write.
UnlikelyRows after(const UnlikelyRows& all, int64_t begin) {
    return {all.row + begin, all.curves + begin * 4 * kBetas, 0};
}
void append(UnlikelyRows& all, const UnlikelyRows& part) {
    const UnlikelyRows to = after(all, all.count);
    const size_t count = static_cast<size_t>(part.count);
    std::memmove(to.row, part.row, count * sizeof(int64_t));
    std::memmove(to.curves, part.curves, count * 4 * kBetas * sizeof(float));
    all.count += part.count;
}

class Watch {
    using Clock = std::chrono::steady_clock;
    const Interrupted& interrupted_;
    Clock::time_point asked_ = Clock::now();

public:
    explicit Watch(const Interrupted& interrupted) : interrupted_(interrupted) {}
    bool says_stop() {
        if (Clock::now() - asked_ < std::chrono::milliseconds(50)) return false;
        asked_ = Clock::now();
        return interrupted_();
    }
};

}  // namespace

Outcome run_scores(const ScoresJob& job, const ScoreSums& sums, const Interrupted& interrupted) {
    const int64_t parts = parts_of(job), of_classes = numbers_of_classes(job);
    // Whole cache lines: bins of 16 bytes then lie as in the first part.
    const int64_t size = pieces(of_classes + 3 * kBetas, 8) * 8;
    const int64_t round = pieces(kRound, job.classes);
    const auto begin_of = [&](int64_t part) { return job.rows * part / parts; };
    // The first part adds to the caller's.
    std::vector<double> own(static_cast<size_t>((parts - 1) * size));
    std::vector<UnlikelyRows> unlikely(static_cast<size_t>(parts));
    for (int64_t part = 0; part < parts && job.from_nll; ++part)
        unlikely[static_cast<size_t>(part)] = after(*sums.unlikely, begin_of(part));
    const auto sums_of = [&](int64_t part) {
        double* at = own.data() + (part - 1) * size;
        UnlikelyRows* rows = &unlikely[static_cast<size_t>(part)];
        return part ? ScoreSums{at + of_classes, at, rows}
                    : ScoreSums{sums.tempered, sums.classes, rows};
    };
    Watch watch(interrupted);
    const int64_t longest = pieces(job.rows, parts);
    for (int64_t done = 0; done < longest; done += round) {
        const auto work = [&](int64_t first, int64_t last, char* scratch) {
            for (int64_t part = first; part < last; ++part) {
                const int64_t begin = begin_of(part) + done;
                const int64_t end = std::min(begin + round, begin_of(part + 1));
                if (begin < end) chosen().scores(job, begin, end, sums_of(part), scratch);
            }
        };
        const Outcome outcome =
            parallel_for(parts, 1, chosen().scores_bytes(job), work, interrupted);
        if (outcome != Outcome::done) return outcome;
        if (watch.says_stop()) return Outcome::interrupted;
    }
    for (const UnlikelyRows& rows : unlikely)
        if (job.from_nll) append(*sums.unlikely, rows);
    for (int64_t part = 1; part < parts; ++part) {
        const ScoreSums more = sums_of(part);
        for (int64_t i = 0; i < 3 * kBetas; ++i) sums.tempered[i] += more.tempered[i];
        for (int64_t i = 0; i < of_classes; ++i) sums.classes[i] += more.classes[i];
    }
    return Outcome::done;
}

}  // namespace neglog
