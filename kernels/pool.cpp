#include "pool.hpp"

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif
#if defined(__linux__)
#include <sched.h>
#elif defined(_WIN32)
#define NOMINMAX
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#endif

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

namespace neglog {
namespace {

using Clock = std::chrono::steady_clock;

// Scratch stays with its thread: a fresh half megabyte costs 128 page faults.
char* thread_scratch(size_t bytes) {
    struct Free {
        void operator()(char* p) const { ::operator delete(p, std::align_val_t{64}); }
    };
    thread_local std::unique_ptr<char, Free> memory;
    thread_local size_t size = 0;
    if (size < bytes) {
        memory.reset();
        size = 0;
        memory.reset(static_cast<char*>(::operator new(bytes, std::align_val_t{64}, std::nothrow)));
        size = memory ? bytes : 0;
    }
    return memory.get();
}

struct Task {
    int64_t units, grain;
    size_t scratch_bytes;
    const std::function<void(int64_t, int64_t, char*)>* work;
    std::atomic<int64_t> next{0};
    std::atomic<Outcome> outcome{Outcome::done};

    // `interrupted` is null on all threads except the caller's.
    void run(const std::function<bool()>* interrupted) {
        char* scratch = thread_scratch(scratch_bytes);
        if (!scratch && scratch_bytes) {
            outcome = Outcome::no_memory;
            return;
        }
        auto asked = Clock::now();
        while (outcome == Outcome::done) {
            const int64_t begin = next.fetch_add(grain);
            if (begin >= units) return;
            (*work)(begin, begin + grain < units ? begin + grain : units, scratch);
            if (!interrupted || Clock::now() - asked < std::chrono::milliseconds(50)) continue;
            asked = Clock::now();
            if ((*interrupted)()) outcome = Outcome::interrupted;
        }
    }
};

class Pool {
    std::mutex busy_, state_;
    std::condition_variable wake_, finished_;
    Task* task_ = nullptr;
    uint64_t generation_ = 0;
    int wanted_ = 0, working_ = 0, started_ = 0;

    void serve(int index) {
        uint64_t seen = 0;
        std::unique_lock lock(state_);
        while (true) {
            wake_.wait(lock, [&] { return generation_ != seen; });
            seen = generation_;
            if (index >= wanted_ || !task_) continue;
            ++working_;
            Task* task = task_;
            lock.unlock();
            task->run(nullptr);
            lock.lock();
            if (--working_ == 0) finished_.notify_one();
        }
    }

    // Where the system refuses a thread, the others do its work.
    void start(int helpers) {
        try {
            for (; started_ < helpers; ++started_)
                std::thread(&Pool::serve, this, started_).detach();
        } catch (const std::system_error&) {}
    }

public:
    void run(Task& task, int threads, const std::function<bool()>& interrupted) {
        std::unique_lock only(busy_, std::defer_lock);
        if (threads < 2 || !only.try_lock()) return task.run(&interrupted);
        start(threads - 1);
        {
            const std::lock_guard lock(state_);
            task_ = &task;
            wanted_ = threads - 1;
            ++generation_;
        }
        wake_.notify_all();
        task.run(&interrupted);
        std::unique_lock lock(state_);
        task_ = nullptr;  // a thread that wakes up now finds nothing to do
        finished_.wait(lock, [&] { return working_ == 0; });
    }
};

// Never destroyed: its threads sleep until the process ends.  A forked child has none of these
// threads and may have inherited a locked mutex, so it makes a pool of its own.
std::atomic<Pool*> pool{nullptr};

// Numbers of threads by their source, 0 where it gives none; see num_threads.
std::atomic<int> threads{0}, initial{0}, quota{0};
thread_local int callers = 0;

Pool& the_pool() {
#if defined(__unix__) || defined(__APPLE__)
    static const int registered = pthread_atfork(nullptr, nullptr, [] { pool.store(nullptr); });
    (void)registered;
#endif
    Pool* current = pool.load();
    if (current) return *current;
    Pool* fresh = new Pool;
    if (pool.compare_exchange_strong(current, fresh)) return *fresh;
    delete fresh;
    return *current;
}

int num_cpus() {
#if defined(__linux__)
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
#elif defined(_WIN32)
    DWORD_PTR allowed, all;  // 0 where the process has several groups of processors
    if (GetProcessAffinityMask(GetCurrentProcess(), &allowed, &all) && allowed)
        return __builtin_popcountll(allowed);
#endif
    const unsigned n = std::thread::hardware_concurrency();
    return n ? static_cast<int>(n) : 1;
}

}  // namespace

int num_threads() {
    const int set = threads.load();
    if (set) return set;
    const int most = quota.load();
    const auto within = [&](int n) { return most && most < n ? most : n; };
    if (callers) return within(callers);
    const int otherwise = initial.load();
    return otherwise ? otherwise : within(num_cpus());
}

int set_num_threads(int n) { return threads.exchange(n); }
int set_callers_threads(int n) { return std::exchange(callers, n); }
void set_initial_threads(int n, int cpu_quota) {
    initial.store(n);
    quota.store(cpu_quota);
}

Outcome parallel_for(int64_t units, int64_t grain, size_t scratch_bytes,
                     const std::function<void(int64_t, int64_t, char*)>& work,
                     const std::function<bool()>& interrupted) {
    Task task{units, grain, scratch_bytes, &work};
    const int64_t ranges = (units + grain - 1) / grain;
    const int n = ranges < 2 ? 1 : num_threads();
    if (n < 2)
        task.run(&interrupted);
    else
        the_pool().run(task, ranges < n ? static_cast<int>(ranges) : n, interrupted);
    return task.outcome;
}

}  // namespace neglog
