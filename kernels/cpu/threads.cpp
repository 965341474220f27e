#include "threads.h"

#include <chrono>
#include <system_error>

#include "short_turns.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace midspan {

namespace {

using Clock = std::chrono::steady_clock;

// A chunk takes 10 to 100 microseconds, and so does the turn of another program that the thread of the chunk waits for.
// Past this the core may be needed by that thread.
constexpr std::chrono::microseconds SPIN_FOR_CHUNK(100);
// To choose a token takes less, so that the threads are awake for the next step of a decoding sequence.
constexpr std::chrono::microseconds AWAKE_FOR_STEP(1000);
// Past this the core may be needed by the very thread that chooses the token, or by one that takes it. Most are chosen sooner:
// beside busy cores a thread that leaves its core comes back late.
constexpr std::chrono::microseconds SPIN_FOR_STEP(300);

inline void pause() {
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

inline void wait_a_little(Clock::time_point spins_until) {
    if (Clock::now() < spins_until) {
        pause();
    } else {
        std::this_thread::yield();
    }
}

}  // namespace

Threads::Threads(int32_t threads, int32_t most_operations)
    : count_(threads < 1 ? 1 : threads), progress_(new Progress[most_operations]),
      ranges_(new Range[most_operations * count_]) {
    try {
        for (int32_t thread = 1; thread < count_; ++thread) threads_.emplace_back([this, thread] { sleep_and_work(thread); });
    } catch (const std::system_error&) {
        // A limit of the system, as a container has one. The threads that there are do the work of the others too.
    }
}

Threads::~Threads() {
    closing_ = true;
    {
        std::lock_guard<std::mutex> lock(mutex_);
        wake_.notify_all();
    }
    for (std::thread& thread : threads_) thread.join();
}

int32_t Threads::run(int32_t operations, const int32_t* chunks, Work work, void* context) {
    thread_local bool has_short_turns = false;
    if (!has_short_turns) take_short_turns();
    has_short_turns = true;
    uint64_t step = step_.load(std::memory_order_relaxed) + 1;
    for (int32_t i = 0; i < operations; ++i) {
        for (int32_t thread = 0; thread < count_; ++thread) {
            // `next` first, and of all operations: a thread of the step before, which may have ended early, then takes
            // nothing, whatever else it reads.
            Range& range = ranges_[i * count_ + thread];
            range.next.store(step << 32 | 0xffffffff, std::memory_order_seq_cst);
            range.end.store(static_cast<int32_t>(static_cast<int64_t>(chunks[i]) * (thread + 1) / count_));
        }
    }
    for (int32_t i = 0; i < operations; ++i) {
        progress_[i].chunks.store(chunks[i], std::memory_order_release);
        progress_[i].done.store(0, std::memory_order_release);
    }
    operations_.store(operations, std::memory_order_relaxed);
    work_.store(work, std::memory_order_relaxed);
    context_.store(context, std::memory_order_relaxed);
    for (int32_t i = 0; i < operations; ++i) {
        for (int32_t thread = 0; thread < count_; ++thread) {
            uint64_t first = static_cast<uint64_t>(static_cast<int64_t>(chunks[i]) * thread / count_);
            ranges_[i * count_ + thread].next.store(step << 32 | first, std::memory_order_release);
        }
    }
    {
        std::lock_guard<std::mutex> lock(mutex_);
        step_.store(step, std::memory_order_release);
        if (sleeping_) wake_.notify_all();
    }
    return take_part(step, 0);
}

void Threads::sleep_and_work(int32_t thread) {
    take_short_turns();
    uint64_t seen = 0;
    while (true) {
        auto end = Clock::now() + AWAKE_FOR_STEP, spins_until = Clock::now() + SPIN_FOR_STEP;
        while (step_.load(std::memory_order_acquire) == seen && !closing_ && Clock::now() < end) wait_a_little(spins_until);
        if (step_.load(std::memory_order_acquire) == seen) {
            std::unique_lock<std::mutex> lock(mutex_);
            ++sleeping_;
            wake_.wait(lock, [&] { return closing_ || step_.load(std::memory_order_acquire) != seen; });
            --sleeping_;
        }
        if (closing_) return;
        seen = step_.load(std::memory_order_acquire);
        take_part(seen, thread);
    }
}

// Runs what is left of a range. False: the step is over.
bool Threads::work_off(Range& range, uint64_t step, int32_t operation, int32_t thread) {
    while (true) {
        uint64_t next = range.next.load(std::memory_order_acquire);
        if (next >> 32 != (step & 0xffffffff)) return false;
        int32_t chunk = static_cast<int32_t>(next & 0xffffffff);
        if (chunk < 0 || chunk >= range.end.load(std::memory_order_relaxed)) return true;
        if (!range.next.compare_exchange_weak(next, next + 1, std::memory_order_acq_rel)) continue;
        bool goes_on = work_.load(std::memory_order_relaxed)(context_.load(std::memory_order_relaxed), operation, chunk, thread);
        // Before the chunk counts as done, so that all threads know it as soon as the operation is.
        if (!goes_on) ended_.store(step << 32 | operation, std::memory_order_relaxed);
        progress_[operation].done.fetch_add(1, std::memory_order_release);
    }
}

// Returns the number of operations that have run, on the thread that runs the step; elsewhere the step may be over by then.
int32_t Threads::take_part(uint64_t step, int32_t thread) {
    int32_t operations = operations_.load(std::memory_order_relaxed);
    for (int32_t i = 0; i < operations; ++i) {
        Range* ranges = &ranges_[i * count_];
        for (int32_t turn = 0; turn < count_; ++turn) {
            if (!work_off(ranges[(thread + turn) % count_], step, i, thread)) return i;
        }
        const Progress& progress = progress_[i];
        auto spins_until = Clock::now() + SPIN_FOR_CHUNK;
        while (progress.done.load(std::memory_order_acquire) < progress.chunks.load(std::memory_order_acquire)) {
            if (ranges[thread].next.load(std::memory_order_relaxed) >> 32 != (step & 0xffffffff)) return i;
            wait_a_little(spins_until);
        }
        if (ended_.load(std::memory_order_relaxed) == (step << 32 | i)) return i + 1;
    }
    return operations;
}

}  // namespace midspan
