// Structured log lines: a fixed event text, then named fields.
//
//   log.Info("endpoint is live", {{"endpoint", name}, {"version", version}});
//
// Prints text on a terminal and one JSON object a line otherwise. Thread-safe.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/clock.h"

namespace sw::base {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

struct LogField {
  std::string_view key;
  std::string value;
  bool is_number = false;  // `value` is JSON already
  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(v) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(v) {}
  template <typename N>
    requires std::is_arithmetic_v<N>
  LogField(std::string_view k, N v) : key(k), value(NumberText(v)), is_number(true) {}

 private:
  template <typename N>
  static std::string NumberText(N v) {
    if constexpr (std::is_same_v<N, bool>) return v ? "true" : "false";
    else if constexpr (std::is_floating_point_v<N>) return DoubleText(static_cast<double>(v));
    else return std::to_string(v);
  }
  static std::string DoubleText(double value);
};
using LogFields = std::initializer_list<LogField>;

class Logger {
 public:
  using Sink = std::function<void(std::string_view line)>;
  enum class Format : std::uint8_t { kText, kJson };

  // Writes to `sink`; ForStderr picks the format by isatty.
  Logger(const Clock& clock, LogLevel level_min, Format format, Sink sink);
  static Logger ForStderr(const Clock& clock, LogLevel level_min);
  static Logger Null(const Clock& clock);  // for tests
  Logger(Logger&&) noexcept;

  void Debug(std::string_view event, LogFields fields = {}) { Write(LogLevel::kDebug, event, fields); }
  void Info(std::string_view event, LogFields fields = {}) { Write(LogLevel::kInfo, event, fields); }
  void Warning(std::string_view event, LogFields fields = {}) { Write(LogLevel::kWarning, event, fields); }
  void Error(std::string_view event, LogFields fields = {}) { Write(LogLevel::kError, event, fields); }
  void Write(LogLevel level, std::string_view event, LogFields fields);

 private:
  const Clock* clock_;
  LogLevel level_min_;
  Format format_;
  Sink sink_;
  std::mutex mutex_;
};

Result<LogLevel> ParseLogLevel(std::string_view text);  // debug, info, warning, error

}  // namespace sw::base
