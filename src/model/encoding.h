// Encoding: text columns to the category codes that a model was trained on.
//
// The codes are part of the package, so that training and serving cannot disagree. A category that
// training never saw, and null, become missing; the contract counts them. Immutable.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "data/batch.h"

namespace sw::model {

struct Encoding {
  std::map<std::string, std::vector<std::string>> categories;  // column -> sorted; the code is the index
  bool operator==(const Encoding&) const = default;
};

// The sorted distinct values of every text column among `columns`.
Result<Encoding> LearnEncoding(const data::Batch& table, const std::vector<std::string>& columns);
// Only `columns`, in that order: numbers and encoded text as float64; text without categories stays
// text, for an engine that reads it.
Result<data::Batch> Encode(const Encoding& encoding, const data::Batch& rows, const std::vector<std::string>& columns);

Json EncodingToJson(const Encoding& encoding);
Result<Encoding> EncodingFromJson(const Json& json);

}  // namespace sw::model
