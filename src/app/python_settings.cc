#include "app/python_settings.h"

#include "app/settings.h"
#include "app/toml.h"
#include "base/errors.h"
#include "data/schema.h"

namespace sw::app {
namespace {

using model::PythonSettings;

Result<std::string> FolderPath(const Json& value) {
  if (value.IsString() && value.AsString().starts_with('/')) return value.AsString();
  return InvalidArgument("expected the absolute path of a folder");
}

Status ReadEnvironments(const Json& value, PythonSettings& settings) {
  if (!value.IsObject()) return InvalidArgument("expected a table of names and folders");
  for (const auto& [name, folder] : value.AsObject()) {
    const auto path = FolderPath(folder);
    if (!path) return InvalidArgument("{}: {}", name, path.error().message);
    settings.environments[name] = *path;
  }
  return Ok();
}

Status ReadFolders(const Json& value, PythonSettings& settings) {
  if (!value.IsArray()) return InvalidArgument("expected a list of folders");
  for (const Json& folder : value.AsArray()) settings.folders.push_back(SW_TRY(FolderPath(folder)));
  return Ok();
}

Result<std::uint64_t> Bytes(const Json& value) {
  const auto bytes = value.IsString() ? ParseBytes(value.AsString()) : InvalidArgument("");
  if (bytes && *bytes > 0) return *bytes;
  return InvalidArgument("expected a size such as 4GiB");
}

Result<DurationUs> Duration(const Json& value) {
  const auto duration = value.IsString() ? base::ParseDuration(value.AsString()) : InvalidArgument("");
  if (duration && *duration > 0) return *duration;
  return InvalidArgument("expected a duration such as 5s");
}

struct Key {
  std::string_view name;
  Status (*read)(const Json& value, PythonSettings& settings);
};

constexpr Key kKeys[] = {
    {"environments", ReadEnvironments},
    {"folders", ReadFolders},
    {"network",
     [](const Json& value, PythonSettings& settings) -> Status {
       if (!value.IsBool()) return InvalidArgument("expected true or false");
       settings.allow_network = value.AsBool();
       return Ok();
     }},
    {"memory_bytes_max",
     [](const Json& value, PythonSettings& settings) -> Status {
       settings.memory_bytes_max = SW_TRY(Bytes(value));
       return Ok();
     }},
    {"answer_bytes_max",
     [](const Json& value, PythonSettings& settings) -> Status {
       settings.answer_bytes_max = SW_TRY(Bytes(value));
       return Ok();
     }},
    {"start_timeout",
     [](const Json& value, PythonSettings& settings) -> Status {
       settings.start_time_max = SW_TRY(Duration(value));
       return Ok();
     }},
    {"call_timeout",
     [](const Json& value, PythonSettings& settings) -> Status {
       settings.call_time_max = SW_TRY(Duration(value));
       return Ok();
     }},
    {"calls_waiting_max",
     [](const Json& value, PythonSettings& settings) -> Status {
       if (!value.IsInt() || value.AsInt() < 0 || value.AsInt() > 10'000) {
         return InvalidArgument("expected a number from 0 to 10000");
       }
       settings.calls_waiting_max = static_cast<std::size_t>(value.AsInt());
       return Ok();
     }},
};

Status ReadKey(const std::string& name, const Json& value, PythonSettings& settings) {
  std::vector<std::string> known;
  for (const Key& key : kKeys) {
    if (key.name == name) return key.read(value, settings);
    known.emplace_back(key.name);
  }
  const auto near = data::NearMisses(name, known);
  return InvalidArgument("there is no such setting; {}", near.empty() ? fmt::format("known are {}", fmt::join(known, ", "))
                                                                      : fmt::format("did you mean {}?", fmt::join(near, ", ")));
}

}  // namespace

Result<PythonSettings> ReadPythonSettings(const std::string& config_path) {
  PythonSettings settings;
  if (config_path.empty()) return settings;
  const TomlFile file = SW_TRY(ReadTomlFile(config_path));
  const Json* table = file.root.Find("python");
  if (table == nullptr) return settings;
  if (!table->IsObject()) return InvalidArgument("{}: python: expected a table", config_path);
  for (const auto& [name, value] : table->AsObject()) {
    Status read = ReadKey(name, value, settings);
    if (!read) return std::unexpected(file.Locate(std::move(read).error().Within("python." + name)));
  }
  return settings;
}

Result<std::shared_ptr<const model::PythonHost>> OpenPythonHost(const std::string& config_path, std::stop_token stop) {
  return std::make_shared<const model::PythonHost>(SW_TRY(ReadPythonSettings(config_path)), std::make_shared<base::SystemClock>(),
                                                   std::move(stop));
}

}  // namespace sw::app
