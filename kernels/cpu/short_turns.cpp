#include "short_turns.h"

#include <cstdint>

#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace midspan {

#if defined(__linux__)

namespace {

constexpr uint64_t TURN_NS = 100000;  // the shortest that Linux gives

// As Linux has it; only newer C libraries declare it.
struct Attributes {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns;
    uint64_t deadline_ns;
    uint64_t period_ns;
};

}  // namespace

void take_short_turns() {
    Attributes attributes = {};
    bool is_known = syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) == 0;
    // Without a length of its own, a normal thread has the system's only on an older Linux.
    if (!is_known || attributes.policy != SCHED_OTHER || attributes.runtime_ns <= TURN_NS) return;
    attributes.runtime_ns = TURN_NS;
    syscall(SYS_sched_setattr, 0, &attributes, 0);  // a sandbox may refuse it, and the turns stay as they are
}

#else

void take_short_turns() {}

#endif

}  // namespace midspan
