#include "model/formats/python.h"

#include <algorithm>
#include <array>

#include "base/errors.h"
#include "base/json.h"

namespace sw::model {
namespace {

constexpr std::array<std::string_view, 6> kMembers = {"environment", "folder", "entry", "content", "inputs", "outputs"};

bool IsWord(std::string_view text, std::string_view more) {
  return !text.empty() && text.size() <= 200 && std::ranges::all_of(text, [&](char c) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return is_letter || (c >= '0' && c <= '9') || c == '_' || more.contains(c);
  });
}

bool IsEntry(std::string_view entry) {
  const std::size_t colon = entry.find(':');
  if (colon == std::string_view::npos) return entry == "pyfunc";
  return IsWord(entry.substr(0, colon), ".") && IsWord(entry.substr(colon + 1), "");
}

bool IsHash(std::string_view text) {
  return text.size() == 64 && std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Status CheckMembers(const Json& json) {
  for (const auto& [name, value] : json.AsObject()) {
    if (std::ranges::find(kMembers, name) == kMembers.end()) {
      return InvalidArgument("Python model: python.{} is unknown; known are {}", name, fmt::join(kMembers, ", "));
    }
  }
  return Ok();
}

Result<std::vector<std::string>> ReadInputs(const Json& json) {
  std::vector<std::string> inputs;
  if (!json.Has("inputs")) return inputs;
  for (const Json& name : SW_TRY(json.GetArray("inputs"))->AsArray()) {
    if (!name.IsString()) return InvalidArgument("Python model: inputs must be names, found {}", name.TypeName());
    if (std::ranges::find(inputs, name.AsString()) != inputs.end()) {
      return InvalidArgument("Python model: inputs names {} twice", name.AsString());
    }
    inputs.push_back(name.AsString());
  }
  if (inputs.empty()) return InvalidArgument("Python model: inputs is empty; leave it out where the model names its own");
  return inputs;
}

}  // namespace

Result<PythonModel> ParsePython(std::string_view text) {
  const Json root = SW_TRY(Json::Parse(text));
  const Json& json = *SW_TRY(root.GetObject("python"));
  SW_TRY(CheckMembers(json));
  PythonModel model{.environment = SW_TRY(json.GetString("environment")), .folder = SW_TRY(json.GetString("folder")),
                    .entry = json.Has("entry") ? SW_TRY(json.GetString("entry")) : "pyfunc",
                    .content = json.Has("content") ? SW_TRY(json.GetString("content")) : "",
                    .inputs = SW_TRY(ReadInputs(json)), .outputs = 1};
  if (!IsWord(model.environment, "-.")) return InvalidArgument("Python model: environment must be a name, found \"{}\"", model.environment);
  if (model.folder.empty() || model.folder.contains('\0')) return InvalidArgument("Python model: folder must be a path");
  if (!IsEntry(model.entry)) {
    return InvalidArgument("Python model: entry must be \"pyfunc\" or \"module:Class\", found \"{}\"", model.entry);
  }
  if (!model.content.empty() && !IsHash(model.content)) {
    return InvalidArgument("Python model: content must be 64 hex digits, found \"{}\"", model.content);
  }
  const std::int64_t outputs = json.Has("outputs") ? SW_TRY(json.GetInt("outputs")) : 1;
  if (outputs < 1 || outputs > static_cast<std::int64_t>(kPythonOutputsMax)) {
    return InvalidArgument("Python model: outputs must be from 1 to {}, found {}", kPythonOutputsMax, outputs);
  }
  model.outputs = static_cast<std::uint32_t>(outputs);
  return model;
}

}  // namespace sw::model
