// The threads of a step. They sleep between steps, and inside one they take the chunks of its operations.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace midspan {

// Runs a chunk. False: no operation behind this one is to run.
using Work = bool (*)(void* context, int32_t operation, int32_t chunk, int32_t thread);

// Each thread has a range of the chunks of an operation to itself, so that it reads memory as one stream, which is twice as
// fast as chunks from anywhere. When its range is done, it helps the others with theirs. So a thread that the system has
// taken from its core holds up the others only for a chunk that it has begun: when it comes back, it finds its operations
// done and goes on to the one that runs.
class Threads {
public:
    Threads(int32_t threads, int32_t most_operations);
    ~Threads();
    Threads(const Threads&) = delete;
    Threads& operator=(const Threads&) = delete;

    int32_t count() const { return count_; }

    // Runs `chunks[i]` chunks of each operation i, one operation after another, on this thread and the others. Returns the
    // number of operations that have run: fewer than all when the work has ended them.
    int32_t run(int32_t operations, const int32_t* chunks, Work work, void* context);

private:
    // The chunks of one thread in one operation. `next` is the step's number, then the next chunk's: a thread of an older
    // step takes none.
    struct alignas(64) Range {
        std::atomic<uint64_t> next{0};
        std::atomic<int32_t> end{0};
    };
    struct alignas(64) Progress {
        std::atomic<int32_t> done{0};
        std::atomic<int32_t> chunks{0};
    };

    bool work_off(Range& range, uint64_t step, int32_t operation, int32_t thread);
    void sleep_and_work(int32_t thread);
    int32_t take_part(uint64_t step, int32_t thread);

    const int32_t count_;
    std::unique_ptr<Progress[]> progress_;  // of each operation
    std::unique_ptr<Range[]> ranges_;       // of each operation and thread
    std::atomic<int32_t> operations_{0};
    std::atomic<Work> work_{nullptr};
    std::atomic<void*> context_{nullptr};
    std::atomic<uint64_t> step_{0};
    std::atomic<uint64_t> ended_{0};  // the number of the last step that has ended early, then its last operation
    std::atomic<bool> closing_{false};
    int32_t sleeping_ = 0;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<std::thread> threads_;
};

}  // namespace midspan
