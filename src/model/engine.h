// Engine: a compiled model that scores batches.
//
//   auto engine = SW_TRY(MakeForestEngine(std::move(forest)));
//   std::vector<double> scores(rows.num_rows() * engine->outputs());
//   SW_TRY(engine->Score(rows, Output::kPrediction, scores));
//
// A row's score does not depend on the rows beside it, on threads or on the CPU. Immutable but for
// how fast it is (Tune): Score is thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "data/batch.h"
#include "model/derived.h"
#include "model/forest.h"

namespace sw::model {

enum class Exactness : std::uint8_t {
  kExact,    // raw scores have the original library's bits, predictions are within 2 ulp
  kBounded,  // a stated distance in ulp from it; our own bits are stable
  kEngine,   // a stated tolerance
};
std::string_view ExactnessName(Exactness exactness);  // "exact", "bounded", "engine"

enum class Output : std::uint8_t {
  kPrediction,  // what the library's predict (a classifier's predict_proba) answers
  kRaw,         // before the link: margins
};

// How far a score may be from the original library's: within either bound.
struct Tolerance {
  std::uint64_t raw_ulps = 0;
  std::uint64_t prediction_ulps = 2;
  bool prediction_in_float = false;  // those ulps are float's: the library predicts in float
  double relative = 0;               // to the expected score, or to 1 where that is smaller
  bool operator==(const Tolerance&) const = default;
};

// Values of an input at which scores may change, for golden rows. Not all: a hash has no text.
struct InputProbe {
  bool is_category = false;          // a code or label, which is looked up, not compared
  std::vector<double> numbers = {};  // thresholds; codes or numeric labels of a category
  std::vector<std::string> texts = {};  // labels
  bool operator==(const InputProbe&) const = default;
};

// How an engine came to score as it does, where there are several ways with the same bits.
enum class Tuning : std::uint8_t {
  kOnlyWay,      // there is nothing to choose
  kDefaultRule,  // not timed yet
  kTimed,        // by Tune()
  kCached,       // by Choose(): timed earlier, perhaps by another process
};
std::string_view TuningName(Tuning tuning);  // "only way", "default rule", "timed", "cached"

class Engine {
 public:
  virtual ~Engine() = default;
  virtual const std::vector<std::string>& inputs() const = 0;  // column names, in the model's order
  virtual Exactness exactness() const = 0;
  virtual Tolerance tolerance() const;  // of its class, unless the engine states another
  virtual std::vector<InputProbe> Probes() const;  // one an input
  // Values a row of each kind of output; 1 for regressors and binary classifiers.
  virtual std::size_t outputs(Output) const { return 1; }
  // What a row's predictions are called, as far as the model says: labels of its classes, in order; of
  // a binary classifier's one prediction both classes. Empty: it does not.
  virtual std::vector<std::string> output_names() const { return {}; }
  // Whether a row's several predictions are probabilities of classes of which one is the row's.
  virtual bool predicts_classes() const { return false; }
  // Row-major scores: `scores` has rows.num_rows() * outputs(output) places. Columns are found by
  // name; a null is missing (NaN). NOT_FOUND names an absent column, INVALID_ARGUMENT one of a type
  // that the model does not read.
  virtual Status Score(const data::Batch& rows, Output output, std::span<double> scores) const = 0;
  // Exact SHAP values of the raw scores: for each row and raw output the contribution of every
  // input, then the bias (what is left for no input at all); they add up to the raw score.
  // `contributions` has rows * outputs(kRaw) * (inputs + 1) places. UNIMPLEMENTED where there is no
  // exact method.
  virtual Status Contribute(const data::Batch& rows, std::span<double> contributions) const;
  // What it holds in memory, this object and, where it scores in a process of its own, that process's memory as it
  // is now. Counted from its containers; what a library holds (ONNX Runtime) is an estimate.
  virtual std::size_t memory_bytes() const = 0;
  // Whether Score() may wait for another process: then it has no place on an event loop.
  virtual bool blocks() const { return false; }
  // Tune() and Choose() change how fast Score() is, never a score; thread-safe beside it.
  virtual Tuning tuning() const { return Tuning::kOnlyWay; }
  // Times the ways on made-up rows, tens of milliseconds of this thread's CPU time, keeps the fastest
  // and answers that choice. Null where there is nothing to choose.
  virtual Json Tune() const { return {}; }
  // Keeps a choice that Tune() answered for this model on a CPU alike; does nothing where there is
  // nothing to choose. INVALID_ARGUMENT for one that it does not know, such as an older build's.
  virtual Status Choose(const Json&) const { return Ok(); }
  // What runs, for people: {"engine": "...", "why": "..."}.
  virtual Json Describe() const;
};

Result<std::unique_ptr<Engine>> MakeForestEngine(Forest forest);

enum class Transform : std::uint8_t { kIdentity, kSigmoid, kExp };

// score = transform(intercept + sum of (x - mean) / scale * weight in column order); a missing value
// counts as its mean. Without columns it is a constant model.
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

// XGBoost's gblinear. For each output: (bias + base), then + value * weight for each feature that is
// not missing, all in float, then the link.
struct FloatLinearModel {
  Forest head = {};                 // no trees: features, outputs, base (one for all), link
  std::vector<float> weights = {};  // a row of `outputs` for each feature, then one of biases
  bool operator==(const FloatLinearModel&) const = default;
};
Result<std::unique_ptr<Engine>> MakeFloatLinearEngine(FloatLinearModel model);

// A forest over features that are computed from the columns (derived.h).
Result<std::unique_ptr<Engine>> MakeDerivedEngine(DerivedForest model);

// Distance in units in the last place; 0 for equal bits and for two NaN, the greatest value across
// NaN and numbers.
std::uint64_t UlpDistance(double a, double b);
// Likewise in units of float, both rounded to float first.
std::uint64_t FloatUlpDistance(double a, double b);

}  // namespace sw::model
