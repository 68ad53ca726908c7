#include <cstdlib>

#include "cli/command_line.h"

// What jemalloc reads when the program begins: freed memory goes back to the kernel within ten seconds, by a thread
// of its own, so that a job's table does not stay resident, no request pays for it, and the next segment of a busy
// log is sealed in the memory of the last one.
extern "C" const char* malloc_conf;
const char* malloc_conf = "background_thread:true,dirty_decay_ms:10000,muzzy_decay_ms:0";

int main(int argc, char** argv) {
  setenv("ARROW_DEFAULT_MEMORY_POOL", "system", 0);  // one allocator, jemalloc; Arrow's own keeps pages of its own
  return sw::cli::RunCommandLine(argc, argv);
}
