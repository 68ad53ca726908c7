// YAML text as our own Json value. Hostile input: size, depth and the number of values are limited, an
// alias counts each time that it is used.
//
//   const Json mlmodel = SW_TRY(ParseYaml(text));
//
// Scalars stay text ("1.10" is no number), except null; keys are text, and a key that comes twice is
// refused. One document.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace sw::model {

struct YamlLimits {
  std::size_t bytes_max = 256u << 10;
  int depth_max = 32;
  std::size_t values_max = 20'000;
};

Result<Json> ParseYaml(std::string_view text, const YamlLimits& limits = {});

}  // namespace sw::model
