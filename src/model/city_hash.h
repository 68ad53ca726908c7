// CityHash64 of version 1.0, which CatBoost hashes its categories with. Later versions of CityHash
// give other values. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace sw::model {

std::uint64_t CityHash64(std::string_view text);

}  // namespace sw::model
