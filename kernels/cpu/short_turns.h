// The length of a thread's turns on a core that it shares with other programs.
#pragma once

namespace midspan {

// Asks the system for short turns of the calling thread. Its share of the core stays the same.
//
// A thread that loses its core within a chunk holds up the others until its next turn, which by itself comes after 1 to
// 3 ms; it comes sooner on a core where one thread has short turns. Linux has them since 6.12, where sched_setattr(2) takes
// the turn of a normal thread as its runtime; elsewhere nothing changes.
void take_short_turns();

}  // namespace midspan
