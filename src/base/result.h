// Result<T> and Status: how everything that can fail for an outside reason answers.
//
// A function that can fail returns Result<T>, or Status when there is nothing to return. Broken
// invariants of ours abort through SW_CHECK (base/check.h); bytes from outside never reach one.
//
//   Result<Table> Load(const std::string& path) {
//     std::string text = SW_TRY(ReadFile(path));            // returns early on an error
//     if (text.empty()) return InvalidArgument("table is empty: {}; write at least a header", path);
//     ...
//   }
//
// A message is fixed text, then values, then what to do next. Immutable.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace sw::base {

// Has one mapping to HTTP (HttpStatus), and one to each wire's own code in that wire's adapter.
enum class ErrorCode : std::uint8_t {
  kInvalidArgument,     // the request is wrong, and stays wrong when repeated
  kNotFound,            // the named thing does not exist
  kAlreadyExists,       // the named thing exists, and differs
  kFailedPrecondition,  // the request is right, the state is not
  kUnauthenticated,     // who asks is unknown
  kPermissionDenied,    // who asks is known and may not
  kResourceExhausted,   // a named limit was reached
  kUnavailable,         // try again later
  kDeadlineExceeded,    // the time given ran out
  kCancelled,           // the caller went away
  kDataLoss,            // bytes on disk are not what was written
  kUnimplemented,       // not done by this build or configuration
  kInternal,            // a defect of ours
};

std::string_view ErrorCodeName(ErrorCode code);  // "INVALID_ARGUMENT", ...
int HttpStatus(ErrorCode code);                  // 400, 404, 409, 412, 401, 403, 429, 503, ...

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;

  // Puts context in front of the message: "reading flights.csv: " + message.
  Error Within(std::string_view context) &&;
  std::string ToString() const;  // "NOT_FOUND: message"
  bool operator==(const Error&) const = default;
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = std::expected<void, Error>;

inline Status Ok() { return {}; }
std::unexpected<Error> MakeError(ErrorCode code, std::string message);

}  // namespace sw::base

namespace sw {
using base::Error;
using base::ErrorCode;
using base::Ok;
using base::Result;
using base::Status;
}  // namespace sw

// Evaluates to the value of a Result (or to nothing, of a Status); returns the error from the
// enclosing function otherwise. Move-only values are moved out.
#define SW_TRY(...)                                                         \
  __extension__({                                                           \
    auto sw_result_ = (__VA_ARGS__);                                        \
    if (!sw_result_) return std::unexpected(std::move(sw_result_).error()); \
    ::sw::base::internal::Take(std::move(sw_result_));                      \
  })

namespace sw::base::internal {
template <typename T>
T Take(Result<T>&& result) {
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}
}  // namespace sw::base::internal
