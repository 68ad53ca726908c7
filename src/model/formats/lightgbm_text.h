// Lines and numbers of LightGBM's text model. Internal to formats/lightgbm*.cc; hostile input.
#pragma once

#include <charconv>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "base/errors.h"

namespace sw::model::lightgbm {

// Keys and values of a block; the views point into the text.
using Fields = std::map<std::string_view, std::string_view>;

// Takes key=value lines off the front of `rest` up to an empty line; a line without '=' is a flag.
Result<Fields> ReadBlock(std::string_view& rest);

std::string_view Value(const Fields& fields, std::string_view key);  // "" when absent
std::vector<std::string_view> Words(std::string_view text);

template <typename Number>
Result<Number> ParseNumber(std::string_view word, std::string_view key) {
  Number value{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size()) {
    return InvalidArgument("LightGBM model: {} has {}, which is no number it can hold", key, word.substr(0, 40));
  }
  return value;
}

template <typename Number>
Result<Number> One(const Fields& fields, std::string_view key, std::optional<Number> fallback = {}) {
  const auto found = fields.find(key);
  if (found != fields.end()) return ParseNumber<Number>(found->second, key);
  if (fallback) return *fallback;
  return InvalidArgument("LightGBM model: {} is missing; is this a whole text model?", key);
}

template <typename Number>
Result<std::vector<Number>> Many(const Fields& fields, std::string_view key, std::size_t count) {
  const auto words = Words(Value(fields, key));
  if (words.size() != count) {
    return InvalidArgument("LightGBM model: {} must have {} values, found {}", key, count, words.size());
  }
  std::vector<Number> values;
  values.reserve(count);
  for (const std::string_view word : words) values.push_back(SW_TRY(ParseNumber<Number>(word, key)));
  return values;
}

}  // namespace sw::model::lightgbm
