#include "model/formats/yaml.h"

#include <yaml-cpp/yaml.h>

#include <string>

#include "base/errors.h"

namespace sw::model {
namespace {

class Converter {
 public:
  explicit Converter(const YamlLimits& limits) : limits_(limits) {}

  Result<Json> Convert(const YAML::Node& node, int depth) {
    if (depth > limits_.depth_max)
      return InvalidArgument("YAML: nested deeper than {}", limits_.depth_max);
    if (++values_ > limits_.values_max)
      return InvalidArgument("YAML: more than {} values", limits_.values_max);
    if (node.IsScalar()) return Json(node.Scalar());
    if (node.IsSequence()) return ConvertSequence(node, depth);
    if (node.IsMap()) return ConvertMap(node, depth);
    return Json(nullptr);
  }

 private:
  Result<Json> ConvertSequence(const YAML::Node& node, int depth) {
    Json items = Json::MakeArray();
    for (const YAML::Node& item : node) items.Append(SW_TRY(Convert(item, depth + 1)));
    return items;
  }

  Result<Json> ConvertMap(const YAML::Node& node, int depth) {
    Json map = Json::MakeObject();
    for (const auto& entry : node) {
      if (!entry.first.IsScalar())
        return InvalidArgument("YAML: a key is no text (line {})", entry.first.Mark().line + 1);
      const std::string& key = entry.first.Scalar();
      if (map.Has(key))
        return InvalidArgument("YAML: the key {} comes twice (line {})", key,
                               entry.first.Mark().line + 1);
      map.Set(key, SW_TRY(Convert(entry.second, depth + 1)));
    }
    return map;
  }

  const YamlLimits& limits_;
  std::size_t values_ = 0;
};

}  // namespace

Result<Json> ParseYaml(std::string_view text, const YamlLimits& limits) {
  if (text.size() > limits.bytes_max) {
    return InvalidArgument("YAML: {} bytes, at most {} are read", text.size(), limits.bytes_max);
  }
  try {
    return Converter(limits).Convert(YAML::Load(std::string(text)), 0);
  } catch (const YAML::Exception& exception) {
    return InvalidArgument("YAML: {}", exception.what());
  }
}

}  // namespace sw::model
