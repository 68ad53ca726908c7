// ForestChoice: which methods a ForestEngine scores by, and how fast each was when that was found
// out. A value that outlives the process: ForestEngine::Tune() answers it, Choose() takes it back.
//
//   const ForestChoice choice = SW_TRY(ForestChoiceFromJson(ForestChoiceToJson(timed)));
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace sw::model {

enum class ForestMethod : std::uint8_t { kLiteral, kWalk, kTreelets, kTable, kSlice };
std::string_view ForestMethodName(ForestMethod method);

struct ForestChoice {
  struct Time {
    ForestMethod method = ForestMethod::kLiteral;
    double ns = 0;  // a row
    bool operator==(const Time&) const = default;
  };
  ForestMethod one_row = ForestMethod::kLiteral, many_rows = ForestMethod::kLiteral;
  std::size_t many_rows_from = 1;                           // rows from which on many_rows scores
  std::vector<Time> one_row_times = {}, many_rows_times = {};  // of what was timed; none: a rule chose
  bool operator==(const ForestChoice&) const = default;
};

// {"choice_version", "one_row", "many_rows", "many_rows_from", "ns_a_row": {"one_row": {METHOD: ns}, ...}}.
Json ForestChoiceToJson(const ForestChoice& choice);
// INVALID_ARGUMENT for what this build does not write: another version, a method that it has not.
Result<ForestChoice> ForestChoiceFromJson(const Json& json);

}  // namespace sw::model
