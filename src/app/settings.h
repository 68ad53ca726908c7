// Settings: what this process is told from outside, and by whom: a flag beats an environment
// variable SEAWORTHY_NAME, which beats the table [server] of the --config file, which beats the
// default.
//
//   Settings settings = SW_TRY(Settings::Resolve({{"listen", "127.0.0.1:0"}}, getenv));
//   settings.Text("listen");           // "127.0.0.1:0"
//   settings.Origin("listen");         // "--listen"; `seaworthy doctor` shows it
//
// Every value is checked when it is resolved. Immutable.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace sw::app {

enum class SettingKind : std::uint8_t { kText, kCount, kBytes, kDuration, kTime, kChoice, kSecret, kRatio };

struct SettingSpec {
  std::string_view name;  // "drain_timeout": --drain-timeout, SEAWORTHY_DRAIN_TIMEOUT
  SettingKind kind;
  std::string_view fallback;  // "": none
  std::string_view help;
  std::string_view choices = {};  // of kChoice, with '|' between them
  bool server = true;             // may stand in [server]; else it is for clients only
};

// All of them, in the order in which doctor shows them.
std::span<const SettingSpec> SettingSpecs();
std::string FlagName(std::string_view setting);         // "--drain-timeout"
std::string EnvironmentName(std::string_view setting);  // "SEAWORTHY_DRAIN_TIMEOUT"

class Settings {
 public:
  using Flags = std::map<std::string, std::string, std::less<>>;  // by setting name
  using Environment = std::function<const char*(const char* name)>;

  // Reads the file that the setting "config" names. An error names the flag, the variable or the
  // file's line that is wrong, and what was expected.
  static Result<Settings> Resolve(const Flags& flags, const Environment& environment);

  const std::string& Text(std::string_view name) const;  // "" when unset
  bool IsSet(std::string_view name) const { return !Text(name).empty(); }
  const std::string& Origin(std::string_view name) const;
  std::int64_t Count(std::string_view name) const;
  std::uint64_t Bytes(std::string_view name) const;
  DurationUs Duration(std::string_view name) const;
  double Ratio(std::string_view name) const;
  std::vector<std::string> List(std::string_view name) const;  // split at ','

  // The same with one value more, which `origin` explains.
  Settings With(std::string_view name, std::string value, std::string origin) const;

  // [{"name", "value", "origin", "help"}]; a secret's value is "(set)".
  Json ToJson() const;

 private:
  struct Value {
    std::string text;
    std::string origin;
  };
  const Value& Get(std::string_view name) const;
  std::map<std::string, Value, std::less<>> values_;
};

// "512MiB", "64KiB", "1GiB", "100".
Result<std::uint64_t> ParseBytes(std::string_view text);

}  // namespace sw::app
