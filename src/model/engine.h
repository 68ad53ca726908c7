// Engine: a compiled model that scores batches.
//
//   auto engine = SW_TRY(MakeForestEngine(std::move(forest)));
//   std::vector<double> scores(batch.num_rows());
//   SW_TRY(engine->Score(batch, scores));
//
// A row's score does not depend on the rows beside it, on threads or on the CPU. Immutable:
// Score is thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/batch.h"
#include "model/forest.h"

namespace sw::model {

enum class Exactness : std::uint8_t {
  kExact,    // the original library's bits
  kBounded,  // a stated distance in ulp from it; our own bits are stable
  kEngine,   // a stated tolerance
};
std::string_view ExactnessName(Exactness exactness);  // "exact", "bounded", "engine"

class Engine {
 public:
  virtual ~Engine() = default;
  virtual const std::vector<std::string>& inputs() const = 0;  // column names, in the model's order
  virtual Exactness exactness() const = 0;
  // One score a row into `scores`, which has rows.num_rows() places. Columns are found by name; a
  // null is missing (NaN). NOT_FOUND names an absent column, INVALID_ARGUMENT one that is text.
  virtual Status Score(const data::Batch& rows, std::span<double> scores) const = 0;
};

Result<std::unique_ptr<Engine>> MakeForestEngine(Forest forest);

// score = transform(intercept + sum of (x - mean) / scale * weight in column order); a missing
// value counts as its mean. Without columns it is a constant model.
struct LinearModel {
  struct Term {
    std::string column;
    double mean = 0, scale = 1, weight = 0;
    bool operator==(const Term&) const = default;
  };
  std::vector<Term> terms;
  double intercept = 0;
  Transform transform = Transform::kSigmoid;
  bool operator==(const LinearModel&) const = default;
};
Result<std::unique_ptr<Engine>> MakeLinearEngine(LinearModel model);

// Distance in units in the last place; 0 for equal bits and for two NaN, the greatest value across
// NaN and numbers.
std::uint64_t UlpDistance(double a, double b);

}  // namespace sw::model
