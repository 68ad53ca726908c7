// A text model is refused, or it scores: each row alone as among others, whatever its values.
#include <bit>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "model/engine.h"
#include "model/formats/lightgbm.h"

namespace {

using Double = std::numeric_limits<double>;

constexpr double kValues[] = {0,
                              -0.0,
                              1,
                              -1,
                              1e-35,
                              2147483647,
                              4294967296,
                              -1e300,
                              1e300,
                              31.99,
                              1e-300,
                              Double::quiet_NaN(),
                              Double::infinity(),
                              -Double::infinity()};

// Null and every value in every column, each column shifted by one.
sw::data::Batch Rows(const std::vector<std::string>& names) {
  sw::data::Batch rows;
  for (std::size_t c = 0; c < names.size(); ++c) {
    sw::data::Column column(sw::data::Type::kFloat64);
    for (std::size_t r = 0; r < std::size(kValues); ++r)
      column.AppendDouble(kValues[(r + c) % std::size(kValues)]);
    column.AppendNull();
    rows.AddColumn({names[c], sw::data::Type::kFloat64}, std::move(column));
  }
  return rows;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto forest = sw::model::ParseLightGbm({reinterpret_cast<const char*>(data), size});
  if (!forest) return 0;
  // Names are replaced by the package's inputs.
  for (std::size_t i = 0; i < forest->features.size(); ++i) forest->features[i] = std::to_string(i);
  const auto engine = sw::model::MakeForestEngine(*std::move(forest));
  SW_CHECK(engine.has_value(), "a model that parses does not compile");
  const sw::data::Batch rows = Rows((*engine)->inputs());
  std::vector<double> scores(rows.num_rows());
  SW_CHECK((*engine)->Score(rows, sw::model::Output::kPrediction, scores).has_value(), "a model that compiles does not score");
  for (std::size_t row = 0; row < scores.size(); ++row) {
    double alone = 0;
    SW_CHECK((*engine)->Score(rows.Slice(row, 1), sw::model::Output::kPrediction, {&alone, 1}).has_value(),
             "a row alone does not score");
    SW_CHECK(sw::model::UlpDistance(alone, scores[row]) == 0, "a row alone has another score");
  }
  return 0;
}
