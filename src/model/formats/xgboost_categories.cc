#include "model/formats/xgboost_categories.h"

#include <algorithm>

#include "base/errors.h"

namespace sw::model::xgboost {
namespace {

// Text as Arrow lays it out: the bytes of all, and where each begins.
Result<Dictionary> ReadText(const Document& column, bool is_ascii_only) {
  const auto offsets = SW_TRY(column.Ints("offsets")), codes = SW_TRY(column.Ints("values"));
  if (is_ascii_only && std::ranges::any_of(codes, [](std::int64_t code) { return code < 0 || code > 127; })) {
    return Unimplemented("XGBoost 3.1 to 3.3 damage labels outside of ASCII when they store them; train with 3.4");
  }
  std::string bytes;
  bytes.reserve(codes.size());
  for (const std::int64_t code : codes) bytes += static_cast<char>(code);
  Dictionary dictionary;
  for (std::size_t i = 1; i < offsets.size(); ++i) {
    const std::int64_t from = offsets[i - 1], to = offsets[i];
    if (from < 0 || to < from || to > static_cast<std::int64_t>(bytes.size())) {
      return InvalidArgument("offsets go from {} to {} of {}", from, to, bytes.size());
    }
    const std::string label = bytes.substr(static_cast<std::size_t>(from), static_cast<std::size_t>(to - from));
    if (!dictionary.text.emplace(label, static_cast<double>(i - 1)).second) {
      return InvalidArgument("the category {} appears twice", label.substr(0, 64));
    }
  }
  return dictionary;
}

// UBJSON has no unsigned numbers above a byte: XGBoost writes their bits as signed ones.
double Unsigned(std::int64_t type, std::int64_t value) {
  if (value >= 0) return static_cast<double>(value);
  if (type == 12) return static_cast<double>(value + 65536);
  if (type == 14) return static_cast<double>(value + 4294967296);
  return type == 16 ? static_cast<double>(static_cast<std::uint64_t>(value)) : static_cast<double>(value);
}

Result<Dictionary> ReadNumbers(const Document& column) {
  const std::int64_t type = SW_TRY(column.Int("type"));
  Dictionary dictionary;
  double code = 0;
  for (const std::int64_t value : SW_TRY(column.Ints("values"))) {
    if (!dictionary.numbers.emplace(Unsigned(type, value), code++).second) {
      return InvalidArgument("the category {} appears twice", value);
    }
  }
  return dictionary;
}

}  // namespace

Status ReadCategories(const Document& booster, bool is_ascii_only, Forest& forest) {
  const Document* categories = booster.Find("cats");
  if (categories == nullptr) return Ok();
  const Document::Array& columns = *SW_TRY(categories->Items("enc"));
  if (columns.empty()) return Ok();
  if (columns.size() != forest.features.size()) {
    return InvalidArgument("cats.enc has {} columns for {} features", columns.size(), forest.features.size());
  }
  std::vector<Dictionary> dictionaries;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    auto dictionary = columns[i].Find("offsets") != nullptr ? ReadText(columns[i], is_ascii_only) : ReadNumbers(columns[i]);
    if (!dictionary) {
      return base::MakeError(dictionary.error().code, fmt::format("cats.enc[{}]: {}", i, dictionary.error().message));
    }
    dictionaries.push_back(*std::move(dictionary));
  }
  forest.dictionaries = std::move(dictionaries);
  return Ok();
}

}  // namespace sw::model::xgboost
