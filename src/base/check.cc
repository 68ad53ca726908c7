#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace sw::base {

void CheckFailed(const char* file, int line, const char* condition, const char* message) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s (%s); please report this defect\n", file, line,
               message, condition);
  std::abort();
}

}  // namespace sw::base
