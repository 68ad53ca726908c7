// Memory, as the kernel counts it: what a process has for itself, and how much there is.
//
//   const std::uint64_t bytes_max = MemoryOfMachine();
//   if (PrivateBytes() > bytes_max / 2) ...
//
// Files of /proc and /sys: tens of microseconds a call, but for ReturnFreedMemory. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sw::base {

// Resident memory of a process that it shares with no file and no other process: what the kernel cannot take
// back. 0 when there is no such process; `process_id` 0 is this one.
std::uint64_t PrivateBytes(int process_id = 0);

// Gives back to the kernel what was freed and is kept by the allocator for the next to ask, which counts as this
// process's own: before somebody looks at that. Tens of milliseconds where there is much.
void ReturnFreedMemory();

// Of the processes that this one started and that still run, but not of what those started.
std::uint64_t PrivateBytesOfChildren();

// The least limit of a process's control groups, of version 2 or 1: 0 when there is none. `root` is where they are
// mounted, `groups` the text of /proc/self/cgroup. Within a container both show its own.
std::uint64_t ControlGroupLimit(const std::string& root, std::string_view groups);

// The machine's memory, or the limit of this process's control group where that is less.
std::uint64_t MemoryOfMachine();

}  // namespace sw::base
