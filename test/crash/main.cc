// The program that crash_test.py starts: see workload.cc and verifier.cc.
#include <cstdio>
#include <string_view>

#include "facts.h"

int main(int argc, char** argv) {
  const std::string_view command = argc > 1 ? argv[1] : "";
  if (command == "run") return sw::crash::RunWorkload(argc - 2, argv + 2);
  if (command == "verify") return sw::crash::RunVerifier();
  std::fputs("usage: crash_program run FOLDER SEED SESSIONS [words] | crash_program verify\n", stderr);
  return 2;
}
