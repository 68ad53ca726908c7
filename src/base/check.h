// SW_CHECK aborts with file, line and message when one of our own invariants is broken.
//
// Never for bytes from outside: those answer with base/result.h. Always on; SW_DCHECK only in
// builds without NDEBUG, for hot loops.
#pragma once

namespace sw::base {
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition, const char* message);
}  // namespace sw::base

#define SW_CHECK(condition, message)                                                      \
  (static_cast<bool>(condition)                                                           \
       ? static_cast<void>(0)                                                             \
       : ::sw::base::CheckFailed(__FILE__, __LINE__, #condition, message))

#ifdef NDEBUG
#define SW_DCHECK(condition, message) static_cast<void>(0)
#else
#define SW_DCHECK(condition, message) SW_CHECK(condition, message)
#endif
