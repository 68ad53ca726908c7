// JudgeLineage: was everything that a model learned from known at the moment it would be used?
//
// A leak is found by when values became available, not by names and not by a high score. Without
// lineage nothing is known, and the answer is undecided. No chance is involved. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "stats/verdict.h"

namespace sw::eval {

struct ColumnLineage {
  std::string name = {};
  std::uint64_t rows = 0;           // that hold a value
  std::uint64_t rows_too_late = 0;  // of these, known only after the row's moment
  std::vector<std::string> examples =
      {};  // one sentence each: which row, its moment, when it was known
};

struct Lineage {
  std::vector<ColumnLineage> columns = {};
  bool label_is_known = false;  // labels come from a declared training set, not from an edited copy
};

// `inputs` are the model's. Fail: a value of an input was known too late. Undecided: no lineage, an
// input without any, no value of it, or labels of unknown origin.
stats::Judgement JudgeLineage(const std::vector<std::string>& inputs,
                              const std::optional<Lineage>& lineage);

}  // namespace sw::eval
