// Structure-aware mutation of JSON models for libFuzzer: a number, a list or a member somewhere in
// the tree changes, and the text stays JSON. Include it in one fuzz target's source.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/random.h"

// Only libFuzzer has it; a build that replays the corpus never mutates.
extern "C" __attribute__((weak)) std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max);

namespace sw::model {

inline void MutateLeaf(Json& value, base::Random& random) {
  constexpr double kNumbers[] = {0, -1, 1, 0.5, -0.5, 1e-45, 1e30, 3e38, 16777216, 255, 256};
  constexpr std::int64_t kIntegers[] = {-1, 0, 1, 2, 3, 31, 32, 255, 16777216, 2147483647, -2147483648LL, INT64_MAX, INT64_MIN};
  if (value.IsString()) {
    value = Json(std::to_string(kIntegers[random.Below(std::size(kIntegers))]));
  } else if (value.IsBool()) {
    value = Json(!value.AsBool());
  } else if (value.IsDouble()) {
    value = Json(kNumbers[random.Below(std::size(kNumbers))]);
  } else {
    value = Json(kIntegers[random.Below(std::size(kIntegers))]);
  }
}

// Grows, shrinks or swaps within a list.
inline void MutateList(Json::Array& items, base::Random& random) {
  const std::size_t at = random.Below(items.size()), other = random.Below(items.size());
  switch (random.Below(3)) {
    case 0: items.erase(items.begin() + static_cast<std::ptrdiff_t>(at)); return;
    case 1: items.push_back(Json(items[at])); return;
    default: std::swap(items[at], items[other]);
  }
}

// Walks down at random and changes what it comes to.
inline void MutateJson(Json& value, base::Random& random) {
  if (value.IsObject() && value.size() > 0) {
    Json::Object& members = value.AsObject();
    const std::size_t at = random.Below(members.size());
    if (random.Below(50) == 0) {
      members.erase(members.begin() + static_cast<std::ptrdiff_t>(at));
    } else {
      MutateJson(members[at].second, random);
    }
  } else if (value.IsArray() && value.size() > 0) {
    if (random.Below(8) == 0) return MutateList(value.AsArray(), random);
    MutateJson(value.AsArray()[random.Below(value.size())], random);
  } else {
    MutateLeaf(value, random);
  }
}

}  // namespace sw::model

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max, unsigned seed) {
  sw::base::Random random(seed);
  auto json = sw::Json::Parse({reinterpret_cast<const char*>(data), size});
  if (!json || random.Below(4) == 0) return LLVMFuzzerMutate(data, size, max);
  for (std::size_t edits = 1 + random.Below(3); edits > 0; --edits) sw::model::MutateJson(*json, random);
  const std::string text = json->Dump();
  if (text.size() > max) return LLVMFuzzerMutate(data, size, max);
  std::memcpy(data, text.data(), text.size());
  return text.size();
}
