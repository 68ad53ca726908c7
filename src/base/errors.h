// Makers of errors with formatted messages, one a code: InvalidArgument("no column {}", name).
//
// Apart from base/result.h because it includes fmt. Format strings are checked at compile time.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/result.h"

namespace sw {

#define SW_ERROR_MAKER(Name)                                                           \
  template <typename... Args>                                                          \
  std::unexpected<Error> Name(fmt::format_string<Args...> format, Args&&... args) {    \
    return base::MakeError(ErrorCode::k##Name, fmt::format(format, std::forward<Args>(args)...)); \
  }
SW_ERROR_MAKER(InvalidArgument)
SW_ERROR_MAKER(NotFound)
SW_ERROR_MAKER(AlreadyExists)
SW_ERROR_MAKER(FailedPrecondition)
SW_ERROR_MAKER(Unauthenticated)
SW_ERROR_MAKER(PermissionDenied)
SW_ERROR_MAKER(ResourceExhausted)
SW_ERROR_MAKER(Unavailable)
SW_ERROR_MAKER(DeadlineExceeded)
SW_ERROR_MAKER(Cancelled)
SW_ERROR_MAKER(DataLoss)
SW_ERROR_MAKER(Unimplemented)
SW_ERROR_MAKER(Internal)
#undef SW_ERROR_MAKER

}  // namespace sw
