#include "app/settings.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "app/toml.h"
#include "base/check.h"
#include "base/errors.h"
#include "base/log.h"
#include "data/schema.h"

namespace sw::app {
namespace {

constexpr SettingSpec kSpecs[] = {
    {"data", SettingKind::kText, "",
     "the folder that holds everything; made when it does not exist"},
    {"config",
     SettingKind::kText,
     "",
     "a TOML file whose table [server] holds settings",
     {},
     false},
    {"listen", SettingKind::kText, "127.0.0.1:8420",
     "addresses to listen on, with ',' between them; HOST:PORT/GROUP+GROUP offers only those "
     "groups of routes"},
    {"clock", SettingKind::kChoice, "system", "manual: time moves only by POST /seaworthy/v1/clock",
     "system|manual"},
    {"clock_start", SettingKind::kTime, "", "where a manual clock begins in a new data folder"},
    {"tables", SettingKind::kText, "", "the folder that tables are read from and written to"},
    {"feast_repo", SettingKind::kText, "", "the folder of a Feast repository, with feature_store.yaml, to serve to Feast's clients"},
    {"feast_tables", SettingKind::kText, "",
     "folders, with ',' between them, whose files Feast's sources may name; the repository's own always may"},
    {"container", SettingKind::kChoice, "auto",
     "whose container contract to keep, in place of a data folder; auto: what the environment and container_root tell",
     "auto|none|sagemaker|vertex"},
    {"container_root", SettingKind::kText, "/opt/ml", "the folder in which a container's model lies, as \"model\""},
    {"memory_bytes_max", SettingKind::kBytes, "0",
     "what the process may use before it refuses to load a model; 0: what the machine or its control group has, less an eighth or 1GiB"},
    {"default_endpoint", SettingKind::kText, "",
     "the endpoint of requests whose path names none (/invocations); the only one when not given"},
    {"log_level", SettingKind::kChoice, "info", "the least serious log lines to print",
     "debug|info|warning|error"},
    {"loops", SettingKind::kCount, "0", "event loops; 0: one a core"},
    {"workers", SettingKind::kCount, "4", "threads for slow requests"},
    {"jobs", SettingKind::kCount, "2", "threads for jobs"},
    {"connections_max", SettingKind::kCount, "1024", "open connections"},
    {"body_bytes_max", SettingKind::kBytes, "64MiB", "one request body"},
    {"bodies_bytes_max", SettingKind::kBytes, "256MiB", "all request bodies together"},
    {"requests_per_second_max", SettingKind::kCount, "0", "requests a second of one address; 0: no limit"},
    {"connection_age_max", SettingKind::kDuration, "0",
     "after this, HTTP/2 and gRPC clients are asked to connect anew; 0: never"},
    {"tls_cert", SettingKind::kText, "",
     "a PEM file with the certificate and its chain: the addresses then speak https, too; a renewed file "
     "is taken without a restart"},
    {"tls_key", SettingKind::kText, "", "the PEM file of the certificate's key"},
    {"tls_client_ca", SettingKind::kText, "", "a PEM file: clients must show a certificate that it signed"},
    {"tls_only", SettingKind::kChoice, "false", "true: nothing but https is answered", "true|false"},
    {"otlp_endpoint", SettingKind::kText, "",
     "the collector that traces are sent to, http://HOST:PORT or https://HOST:PORT, by OTLP over HTTP; without it there are none"},
    {"otlp_ca", SettingKind::kText, "", "a PEM file: the certificates that an https collector may be signed by; the system's when not given"},
    {"otlp_headers", SettingKind::kSecret, "",
     "header fields of what is sent there, NAME=VALUE with ',' between them, percent-encoded"},
    {"trace_ratio", SettingKind::kRatio, "1",
     "the share of requests to trace, of those whose client does not say by a traceparent whether it does"},
    {"drain_delay", SettingKind::kDuration, "0",
     "after SIGTERM, how long readiness fails before the addresses close; on Kubernetes 5s"},
    {"drain_timeout", SettingKind::kDuration, "10s",
     "how long requests in flight may take after SIGTERM"},
    {"server",
     SettingKind::kText,
     "",
     "the server that commands talk to, http://HOST:PORT",
     {},
     false},
    {"key", SettingKind::kSecret, "", "the API key that commands send", {}, false},
};

const SettingSpec* FindSpec(std::string_view name) {
  const auto* found = std::ranges::find(kSpecs, name, &SettingSpec::name);
  return found == std::end(kSpecs) ? nullptr : found;
}

std::optional<std::int64_t> WholeNumber(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> RatioOf(std::string_view text) {
  double value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_ratio = failed == std::errc() && end == text.data() + text.size() && value >= 0 && value <= 1;
  return is_ratio ? std::optional(value) : std::nullopt;
}

bool IsChoice(std::string_view text, std::string_view choices) {
  while (true) {
    const std::size_t end = choices.find('|');
    if (choices.substr(0, end) == text) return true;
    if (end == choices.npos) return false;
    choices.remove_prefix(end + 1);
  }
}

std::string ReplaceAll(std::string_view text, char from, char to) {
  std::string out(text);
  std::ranges::replace(out, from, to);
  return out;
}

// `where` says who gave the value.
Status CheckValue(const SettingSpec& spec, const std::string& text, const std::string& where) {
  switch (spec.kind) {
    case SettingKind::kText:
    case SettingKind::kSecret:
      return Ok();
    case SettingKind::kCount: {
      const auto count = WholeNumber(text);
      if (count && *count >= 0 && *count <= 1'000'000) return Ok();
      return InvalidArgument("{}: expected a number from 0 to 1000000, found {}", where, text);
    }
    case SettingKind::kBytes:
      if (ParseBytes(text)) return Ok();
      return InvalidArgument("{}: expected a size such as 64MiB, found {}", where, text);
    case SettingKind::kDuration:
      if (base::ParseDuration(text)) return Ok();
      return InvalidArgument("{}: expected a duration such as 10s, found {}", where, text);
    case SettingKind::kTime:
      if (base::ParseTime(text)) return Ok();
      return InvalidArgument("{}: expected a time such as 2013-01-01T00:00:00Z, found {}", where,
                             text);
    case SettingKind::kRatio:
      if (RatioOf(text)) return Ok();
      return InvalidArgument("{}: expected a number from 0 to 1, found {}", where, text);
    case SettingKind::kChoice:
      if (IsChoice(text, spec.choices)) return Ok();
      return InvalidArgument("{}: expected {}, found {}", where, ReplaceAll(spec.choices, '|', '/'),
                             text);
  }
  return Ok();
}

Result<std::string> TomlText(const Json& value) {
  if (value.IsString()) return value.AsString();
  if (value.IsInt()) return std::to_string(value.AsInt());
  if (value.IsDouble()) return fmt::format("{}", value.AsDouble());
  if (!value.IsArray())
    return InvalidArgument("expected text, a number or a list of texts, found {}",
                           value.TypeName());
  std::string joined;
  for (const Json& item : value.AsArray()) {
    if (!item.IsString())
      return InvalidArgument("expected a list of texts, found {} in it", item.TypeName());
    joined += (joined.empty() ? "" : ",") + item.AsString();
  }
  return joined;
}

Result<const SettingSpec*> ServerSpec(const std::string& name) {
  const SettingSpec* spec = FindSpec(name);
  if (spec != nullptr && spec->server) return spec;
  std::vector<std::string> known;
  for (const SettingSpec& each : kSpecs) {
    if (each.server) known.emplace_back(each.name);
  }
  const auto near = data::NearMisses(name, known);
  return InvalidArgument("server.{}: there is no such setting; {}", name,
                         near.empty() ? fmt::format("known are {}", fmt::join(known, ", "))
                                      : fmt::format("did you mean {}?", fmt::join(near, ", ")));
}

}  // namespace

std::span<const SettingSpec> SettingSpecs() { return kSpecs; }

std::string FlagName(std::string_view setting) { return "--" + ReplaceAll(setting, '_', '-'); }

std::string EnvironmentName(std::string_view setting) {
  std::string name = "SEAWORTHY_";
  for (const char c : setting)
    name.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  return name;
}

Result<std::uint64_t> ParseBytes(std::string_view text) {
  std::uint64_t unit = 1;
  for (const auto& [suffix, bytes] : {std::pair<std::string_view, std::uint64_t>{"KiB", 1u << 10},
                                      {"MiB", 1u << 20},
                                      {"GiB", 1u << 30}}) {
    if (!text.ends_with(suffix)) continue;
    unit = bytes;
    text.remove_suffix(suffix.size());
    break;
  }
  const auto count = WholeNumber(text);
  if (!count || *count < 0 || *count > 1'000'000'000'000)
    return InvalidArgument("expected a size such as 64MiB");
  return static_cast<std::uint64_t>(*count) * unit;
}

Result<Settings> Settings::Resolve(const Flags& flags, const Environment& environment) {
  Settings settings;
  auto take = [&](const SettingSpec& spec, std::string text, std::string origin) -> Status {
    SW_TRY(CheckValue(spec, text, origin));
    settings.values_[std::string(spec.name)] = {std::move(text), std::move(origin)};
    return Ok();
  };
  for (const SettingSpec& spec : kSpecs) {
    if (!spec.fallback.empty()) SW_TRY(take(spec, std::string(spec.fallback), "default"));
  }
  const char* config = environment(EnvironmentName("config").c_str());
  const auto config_flag = flags.find("config");
  const std::string path = config_flag != flags.end() ? config_flag->second
                           : config != nullptr        ? config
                                                      : "";
  if (!path.empty()) {
    const TomlFile file = SW_TRY(ReadTomlFile(path));
    const Json* server = file.root.Find("server");
    if (server != nullptr && !server->IsObject())
      return InvalidArgument("{}: server: expected a table", path);
    for (const auto& [name, value] : server == nullptr ? Json::Object() : server->AsObject()) {
      const auto spec = ServerSpec(name);
      if (!spec) return std::unexpected(file.Locate(spec.error()));
      const std::string key = "server." + name;
      Result<std::string> text = TomlText(value);
      if (!text) return std::unexpected(file.Locate(std::move(text).error().Within(key)));
      SW_TRY(take(**spec, *std::move(text), fmt::format("{}:{}: {}", path, file.LineOf(key), key)));
    }
  }
  for (const SettingSpec& spec : kSpecs) {
    const std::string variable = EnvironmentName(spec.name);
    const char* value = environment(variable.c_str());
    if (value != nullptr && *value != '\0') SW_TRY(take(spec, value, variable));
  }
  for (const auto& [name, value] : flags) {
    const SettingSpec* spec = FindSpec(name);
    SW_CHECK(spec != nullptr, "a flag without a setting");
    SW_TRY(take(*spec, value, FlagName(name)));
  }
  return settings;
}

const Settings::Value& Settings::Get(std::string_view name) const {
  static const Value kUnset;
  SW_CHECK(FindSpec(name) != nullptr, "no such setting");
  const auto found = values_.find(name);
  return found == values_.end() ? kUnset : found->second;
}

const std::string& Settings::Text(std::string_view name) const { return Get(name).text; }
const std::string& Settings::Origin(std::string_view name) const { return Get(name).origin; }
std::int64_t Settings::Count(std::string_view name) const {
  return WholeNumber(Text(name)).value_or(0);
}
std::uint64_t Settings::Bytes(std::string_view name) const {
  return ParseBytes(Text(name)).value_or(0);
}
DurationUs Settings::Duration(std::string_view name) const {
  return base::ParseDuration(Text(name)).value_or(0);
}

double Settings::Ratio(std::string_view name) const { return RatioOf(Text(name)).value_or(0); }

std::vector<std::string> Settings::List(std::string_view name) const {
  std::vector<std::string> items;
  std::string_view text = Text(name);
  while (!text.empty()) {
    const std::size_t end = text.find(',');
    if (end != 0) items.emplace_back(text.substr(0, end));
    if (end == text.npos) break;
    text.remove_prefix(end + 1);
  }
  return items;
}

Settings Settings::With(std::string_view name, std::string value, std::string origin) const {
  SW_CHECK(FindSpec(name) != nullptr, "no such setting");
  Settings changed = *this;
  changed.values_[std::string(name)] = {std::move(value), std::move(origin)};
  return changed;
}

Json Settings::ToJson() const {
  Json out = Json::MakeArray();
  for (const SettingSpec& spec : kSpecs) {
    const Value& value = Get(spec.name);
    const bool hide = spec.kind == SettingKind::kSecret && !value.text.empty();
    out.Append(Json::MakeObject({{"name", spec.name},
                                 {"value", hide ? "(set)" : value.text},
                                 {"origin", value.origin.empty() ? "unset" : value.origin},
                                 {"help", spec.help}}));
  }
  return out;
}

}  // namespace sw::app
