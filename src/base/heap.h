// What the allocator keeps of freed memory.
#pragma once

namespace sw::base {

// Gives back to the kernel what was freed and is kept for the next to ask: before somebody looks at what is
// resident. Tens of milliseconds where there is much. Thread-safe.
void ReturnFreedMemory();

}  // namespace sw::base
