// Model fixtures in src/model/testdata with their golden rows, for the tests of the formats: a line
// has the inputs, then the library's raw scores and predictions, as C hexadecimal numbers.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "base/files.h"
#include "model/engine.h"

namespace sw::model {

inline std::string TestData(const std::string& name) {
  return base::ReadFile(std::string(SW_SOURCE_DIR) + "/src/model/testdata/" + name).value();
}

struct FixtureRows {
  data::Batch inputs;
  std::vector<double> raw, predictions;
};

inline FixtureRows ReadFixtureRows(const std::string& file, const Engine& engine) {
  FixtureRows golden;
  for (const std::string& name : engine.inputs()) {
    golden.inputs.AddColumn({name, data::Type::kFloat64}, data::Column(data::Type::kFloat64));
  }
  std::istringstream lines(TestData(file));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    const auto next = [&] {
      std::string word;
      words >> word;
      return std::strtod(word.c_str(), nullptr);
    };
    for (std::size_t c = 0; c < engine.inputs().size(); ++c) golden.inputs.column(c).AppendDouble(next());
    for (std::size_t k = 0; k < engine.outputs(Output::kRaw); ++k) golden.raw.push_back(next());
    for (std::size_t k = 0; k < engine.outputs(Output::kPrediction); ++k) golden.predictions.push_back(next());
  }
  return golden;
}

// Steps between neighbouring floats.
inline std::uint64_t FloatUlpDistance(double a, double b) {
  if (std::isnan(a) && std::isnan(b)) return 0;
  const auto line = [](double value) {
    const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
    return bits & 0x80000000U ? -static_cast<std::int64_t>(bits ^ 0x80000000U) : static_cast<std::int64_t>(bits);
  };
  return static_cast<std::uint64_t>(std::abs(line(a) - line(b)));
}

}  // namespace sw::model
