// EntityKeyFormat: entity keys in Feast's own serialisation, version 3: join keys by name, then their values.
//
//   const EntityKeyFormat format(view.keys);
//   format.Append(values, key);                 // values in the order of view.keys
//
// A view without entities has one row, whose key is Feast's dummy entity. Immutable.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "feast/project.h"

namespace sw::feast {

inline constexpr std::string_view kDummyKey = "__dummy_id";

struct KeyValue {
  ValueType type = ::feast::types::ValueType::INVALID;  // STRING, BYTES, INT32, INT64, UNIX_TIMESTAMP
  std::int64_t number = 0;
  std::string_view text = {};
};

class EntityKeyFormat {
 public:
  explicit EntityKeyFormat(std::span<const Field> keys);
  void Append(std::span<const KeyValue> values, std::string& out) const;

 private:
  std::string head_;                 // the count and the names, sorted
  std::vector<std::size_t> order_;   // of the values
};

// INVALID_ARGUMENT: Feast has keys of five types only.
Status CheckKeyType(const Field& key);
// What Feast makes of a request's value for a key of this type; exactly, though: 1.5 is no integer. INVALID: the type
// follows from the value. Text is a view of `value`, or lies in `scratch`.
Result<KeyValue> ReadKeyValue(const Json& value, ValueType type, std::string& scratch);
// Of a message, whose type has to fit.
Result<KeyValue> ReadKeyValue(const ::feast::types::Value& value, const Field& key);

}  // namespace sw::feast
