#include "base/log.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/errors.h"
#include "base/json.h"

namespace sw::base {
namespace {

constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warning", "error"};

std::string_view LevelName(LogLevel level) { return kLevelNames[static_cast<std::size_t>(level)]; }

// Quotes what would break the line or the terminal, so that a value cannot forge a field.
void AppendText(std::string& out, std::string_view value) {
  const bool plain = !value.empty() && std::ranges::all_of(value, [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
  });
  if (plain) {
    out += value;
  } else {
    AppendJsonString(out, value);
  }
}

std::string TextLine(TimeUs now, LogLevel level, std::string_view event, LogFields fields) {
  std::string line = fmt::format("{} {:<7} {}", FormatTime(now), LevelName(level), event);
  for (const LogField& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    AppendText(line, field.value);
  }
  return line;
}

void AppendMember(std::string& out, std::string_view key, std::string_view value, bool raw) {
  out += out.empty() ? '{' : ',';
  AppendJsonString(out, key);
  out += ':';
  if (raw) {
    out += value;
  } else {
    AppendJsonString(out, value);
  }
}

std::string JsonLine(TimeUs now, LogLevel level, std::string_view event, LogFields fields) {
  std::string line;
  AppendMember(line, "time", FormatTime(now), false);
  AppendMember(line, "level", LevelName(level), false);
  AppendMember(line, "event", event, false);
  for (const LogField& field : fields) AppendMember(line, field.key, field.value, field.is_number);
  return line + "}";
}

}  // namespace

std::string LogField::DoubleText(double value) {
  std::string text;
  AppendJsonDouble(text, value);
  return text;
}

Logger::Logger(const Clock& clock, LogLevel level_min, Format format, Sink sink)
    : clock_(&clock), level_min_(level_min), format_(format), sink_(std::move(sink)) {}

Logger::Logger(Logger&& other) noexcept
    : clock_(other.clock_),
      level_min_(other.level_min_),
      format_(other.format_),
      sink_(std::move(other.sink_)) {}

Logger Logger::ForStderr(const Clock& clock, LogLevel level_min) {
  const Format format = isatty(STDERR_FILENO) == 1 ? Format::kText : Format::kJson;
  return Logger(clock, level_min, format, [](std::string_view line) {
    // One call a line: stderr is unbuffered, and other processes may share it.
    std::string whole(line);
    whole += '\n';
    std::fwrite(whole.data(), 1, whole.size(), stderr);
  });
}

Logger Logger::Null(const Clock& clock) {
  return Logger(clock, LogLevel::kError, Format::kText, nullptr);
}

void Logger::Write(LogLevel level, std::string_view event, LogFields fields) {
  if (level < level_min_ || sink_ == nullptr) return;
  const TimeUs now = clock_->Now();
  const std::string line = format_ == Format::kText ? TextLine(now, level, event, fields)
                                                    : JsonLine(now, level, event, fields);
  const std::lock_guard lock(mutex_);
  sink_(line);
}

Result<LogLevel> ParseLogLevel(std::string_view text) {
  const auto* found = std::ranges::find(kLevelNames, text);
  if (found == kLevelNames.end()) {
    return InvalidArgument("log level is unknown: \"{}\"; take debug, info, warning or error",
                           text.substr(0, 32));
  }
  return static_cast<LogLevel>(found - kLevelNames.begin());
}

}  // namespace sw::base
