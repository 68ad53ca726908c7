// Golden inputs: rows at which a misread model shows itself. Half of them have a value at or beside
// a threshold, a category, an unknown one, nothing or an extreme in every cell; in the other half
// such cells are scattered over rows as they come, where a sample has those.
//
//   data::Batch inputs = SW_TRY(ChooseGoldenInputs(*engine, {.sample = rows}));
//   inputs = inputs.Take(ScorableRows(*engine, inputs));
//
// The same engine, sample and seed give the same rows. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "data/batch.h"
#include "model/engine.h"

namespace sw::model {

inline constexpr std::size_t kGoldenRowsMax = 1'024;  // chosen; a load replays them all

struct GoldenInputOptions {
  data::Schema known = {};  // columns' types, where the sample lacks the column
  data::Batch sample = {};  // rows as they come; columns by name, others do not matter
  std::uint64_t seed = 1;
};

// A column an input. INVALID_ARGUMENT for a timestamp without a sample of it.
Result<data::Batch> ChooseGoldenInputs(const Engine& engine, const GoldenInputOptions& options);

// The rows that the engine takes: a model may refuse a missing value, or an unknown category.
std::vector<std::size_t> ScorableRows(const Engine& engine, const data::Batch& rows);

}  // namespace sw::model
