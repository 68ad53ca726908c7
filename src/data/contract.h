// Contract: what a model may expect of each column, learned from a profile or declared, and the
// checker that counts each kind of violation. Immutable; Check is thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/batch.h"
#include "data/profile.h"

namespace sw::data {

enum class ViolationKind : std::uint8_t {
  kMissingColumn, kWrongType, kUnexpectedNull, kNotFinite, kOutOfRange, kUnknownCategory
};
std::string_view ViolationKindName(ViolationKind kind);

struct ColumnContract {
  std::string name;
  Type type = Type::kFloat64;
  bool nullable = true;
  std::optional<double> min, max;            // inclusive
  std::vector<std::string> categories;       // sorted; empty: any
  bool operator==(const ColumnContract&) const = default;
};

struct Violation {
  std::size_t row = 0;
  std::size_t column = 0;  // index into Contract::columns
  ViolationKind kind = ViolationKind::kOutOfRange;
};

struct Contract {
  std::vector<ColumnContract> columns;
  Json ToJson() const;
  static Result<Contract> FromJson(const Json& json);
  bool operator==(const Contract&) const = default;
};

struct LearnOptions {
  double range_slack_iqr = 3.0;          // range = [min - slack * IQR, max + slack * IQR]
  std::size_t categories_max = 200;      // more distinct strings than that: any string
};
Contract LearnContract(const Profile& profile, const Batch& table, const LearnOptions& options = {});

// Appends what `rows` break, in row order, at most `violations_max`; the total is returned.
std::size_t CheckContract(const Contract& contract, const Batch& rows, std::size_t violations_max,
                          std::vector<Violation>& violations);

}  // namespace sw::data
