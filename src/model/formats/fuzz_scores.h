// What must hold of a model that a fuzzer made and a parser took: it scores every kind of value, each
// row alone as among others, and as reference.h does. For the fuzz targets of the formats.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/check.h"
#include "model/engine.h"
#include "model/reference.h"

namespace sw::model {

// Wider models are not scored: they take long and show nothing new.
inline constexpr std::size_t kFuzzWidthMax = 256;

// Null and every value in every column, each column shifted by one.
inline data::Batch FuzzRows(const std::vector<std::string>& names) {
  using Double = std::numeric_limits<double>;
  constexpr double kValues[] = {0,     -0.0,  1,     -1,     1e-35, 2147483647, 4294967296,
                                -1e300, 1e300, 31.99, 1e-300, Double::quiet_NaN(), Double::infinity(), -Double::infinity()};
  data::Batch rows;
  for (std::size_t c = 0; c < names.size(); ++c) {
    data::Column column(data::Type::kFloat64);
    for (std::size_t r = 0; r < std::size(kValues); ++r) column.AppendDouble(kValues[(r + c) % std::size(kValues)]);
    column.AppendNull();
    rows.AddColumn({names[c], data::Type::kFloat64}, std::move(column));
  }
  return rows;
}

// Contributions are refused or computed, whatever a hostile file says of covers.
inline void Explain(const Engine& engine, const data::Batch& rows) {
  if (engine.inputs().size() * engine.outputs(Output::kRaw) > kFuzzWidthMax) return;
  std::vector<double> contributions(rows.num_rows() * engine.outputs(Output::kRaw) * (engine.inputs().size() + 1));
  (void)engine.Contribute(rows, contributions);
}

inline void CheckOneByOne(const Engine& engine) {
  const data::Batch rows = FuzzRows(engine.inputs());
  Explain(engine, rows);
  for (const Output output : {Output::kRaw, Output::kPrediction}) {
    const std::size_t width = engine.outputs(output);
    if (width > kFuzzWidthMax || engine.inputs().size() > kFuzzWidthMax) return;
    std::vector<double> scores(rows.num_rows() * width), alone(width);
    SW_CHECK(engine.Score(rows, output, scores).has_value(), "a model that compiles does not score");
    for (std::size_t row = 0; row < rows.num_rows(); ++row) {
      SW_CHECK(engine.Score(rows.Slice(row, 1), output, alone).has_value(), "a row alone does not score");
      for (std::size_t k = 0; k < width; ++k) {
        SW_CHECK(UlpDistance(alone[k], scores[row * width + k]) == 0, "a row alone has another score");
      }
    }
  }
}

// Names are replaced, as by a package's inputs: a file may repeat them.
inline void CheckScores(Forest forest) {
  forest.dictionaries.clear();
  if (forest.features.size() > kFuzzWidthMax || forest.outputs > kFuzzWidthMax) return;
  for (std::size_t i = 0; i < forest.features.size(); ++i) forest.features[i] = std::to_string(i);
  const auto engine = MakeForestEngine(forest);
  SW_CHECK(engine.has_value(), "a model that parses does not compile");
  CheckOneByOne(**engine);
  const data::Batch rows = FuzzRows(forest.features);
  std::vector<double> scores(rows.num_rows() * forest.outputs), raw(forest.outputs), row(forest.features.size());
  SW_CHECK((*engine)->Score(rows, Output::kRaw, scores).has_value(), "a model that compiles does not score");
  for (std::size_t r = 0; r < rows.num_rows(); ++r) {
    for (std::size_t c = 0; c < row.size(); ++c) row[c] = rows.column(c).AsDouble(r);
    ReferenceRaw(forest, row, raw);
    for (std::size_t k = 0; k < raw.size(); ++k) {
      SW_CHECK(UlpDistance(raw[k], scores[r * forest.outputs + k]) == 0, "the engine differs from the reference");
    }
  }
}

}  // namespace sw::model
