// Golden rows: inputs with the scores that the original library gives them, which a package replays
// whenever it is loaded. How they are chosen: golden_inputs.h. Values.
//
//   SW_TRY(CompareScores(golden, Output::kRaw, engine, scores));
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/batch.h"
#include "model/engine.h"

namespace sw::model {

inline constexpr std::size_t kGoldenRowsMin = 200;  // of a package that counts as verified

struct GoldenRows {
  data::Batch inputs;             // as a request brings them, before encoding
  std::vector<double> expected;   // predictions by the original library, a row's side by side
  std::vector<double> raw = {};   // its raw scores likewise; empty where it has none
  std::string from = {};          // "lightgbm 4.7.0"; "" when nobody wrote it down
  bool operator==(const GoldenRows&) const = default;
};

struct Plan;
// Those that a plan brings: scikit-learn's own, which its exporter kept. None when it has none.
GoldenRows GoldenOf(const Plan& plan);

// The batch that a package keeps: the inputs, then `_expected` and `_raw`, or `_expected_0`, ... of
// several outputs. INVALID_ARGUMENT when an input has such a name, or lengths do not agree.
Result<data::Batch> GoldenToBatch(const GoldenRows& golden, std::size_t rows);
Result<GoldenRows> GoldenFromBatch(const data::Batch& batch);
// "_expected", "_expected_12", "_raw", ...
bool IsGoldenColumn(std::string_view name);

// `scores` are the engine's of the golden inputs. FAILED_PRECONDITION names the first row that is not
// within the engine's tolerance, with what was expected and what came out.
Status CompareScores(const GoldenRows& golden, Output output, const Engine& engine, std::span<const double> scores);

}  // namespace sw::model
