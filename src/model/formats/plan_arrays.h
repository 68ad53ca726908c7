// Arrays of a plan's JSON. Internal to formats/plan.
//
// Long ones are base64 of little-endian values, {"f64": "..."} or {"i32": "..."}; short ones plain
// JSON, where "NaN", "Infinity" and "-Infinity" stand for what JSON cannot say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace sw::model {

// The member `key`; INVALID_ARGUMENT when it is absent or of another type. `...Or` gives nothing for
// an absent one.
Result<std::vector<double>> GetDoubles(const Json& json, std::string_view key);
Result<std::vector<double>> DoublesOr(const Json& json, std::string_view key);
Result<std::vector<std::int32_t>> GetInts(const Json& json, std::string_view key);
Result<std::vector<std::int32_t>> IntsOr(const Json& json, std::string_view key);
Result<std::vector<std::optional<std::string>>> GetTexts(const Json& json, std::string_view key);  // null: missing
Result<std::uint32_t> GetIndex(const Json& json, std::string_view key);  // 0 to 2^31 - 1

}  // namespace sw::model
