// Model fixtures in src/model/testdata with their golden rows, for the tests of the formats: a line
// has the inputs, then the library's raw scores and predictions, as C hexadecimal numbers.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "base/files.h"
#include "model/engine.h"
#include "model/golden_rows.h"

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

// The same rows again and again, `times` of them.
inline GoldenRows Repeated(const GoldenRows& golden, std::size_t times) {
  GoldenRows repeated = golden;
  for (std::size_t i = 1; i < times; ++i) {
    repeated.inputs.AppendAll(golden.inputs);
    repeated.expected.insert(repeated.expected.end(), golden.expected.begin(), golden.expected.end());
    repeated.raw.insert(repeated.raw.end(), golden.raw.begin(), golden.raw.end());
  }
  return repeated;
}

}  // namespace sw::model
