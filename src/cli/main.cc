#include "cli/command_line.h"

// What jemalloc reads when the program begins: freed memory goes back to the kernel within a second, by a thread
// of its own, so that a job's table does not stay resident, and no request pays for it.
extern "C" const char* malloc_conf;
const char* malloc_conf = "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0";

int main(int argc, char** argv) { return sw::cli::RunCommandLine(argc, argv); }
