// UBJSON (https://ubjson.org, draft 12), as XGBoost writes it, into a Document. Hostile input:
// every length is checked against what is left, depth and values are limited, a repeated key is
// refused; errors give the byte.
//
// Read are all plain values, arrays (plain, counted, typed) and plain objects. High-precision
// numbers, counted objects and no-ops, which XGBoost does not write, are refused.
#pragma once

#include <string_view>

#include "model/formats/document.h"

namespace sw::model {

struct UbjsonLimits {
  std::size_t bytes_max = 1ull << 30;
  std::size_t values_max = 1ull << 24;  // not counting the elements of typed arrays
  int depth_max = 64;
};

// Whether this begins as an object of UBJSON and not of JSON.
bool IsUbjson(std::string_view bytes);
Result<Document> ReadUbjson(std::string_view bytes, const UbjsonLimits& limits = {});

}  // namespace sw::model
