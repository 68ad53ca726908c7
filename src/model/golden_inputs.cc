#include "model/golden_inputs.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <utility>

#include "base/errors.h"
#include "base/random.h"

namespace sw::model {
namespace {

constexpr std::size_t kRowsMin = 512;
constexpr std::size_t kCellsMax = 2'000'000;  // of models with thousands of inputs
constexpr double kIntMax = 9007199254740992.0;  // 2^53: what a double holds exactly
constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Zeros and what libraries take for one, denormals, large numbers that a float still holds.
constexpr double kEdges[] = {0.0, -0.0, 1e-35, -1e-35, 5e-324, -1e-45, 1.0, -1.0, 0.5, 1e6, -1e6, 1e30, -1e30};
constexpr double kUnknownCodes[] = {-1, 0.5, 1e9};
constexpr const char* kUnknownLabel = "seaworthy: never seen";

// About normal, which is all that it is for.
double NextNormal(base::Random& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += random.NextDouble();
  return sum;
}

// Of doubles and of floats: libraries round to float, or do not.
void AppendNeighbours(double number, std::vector<double>& numbers) {
  const auto rounded = static_cast<float>(number);
  numbers.push_back(number);
  for (const double to : {-kInfinity, kInfinity}) {
    numbers.push_back(std::nextafter(number, to));
    numbers.push_back(static_cast<double>(std::nextafterf(rounded, static_cast<float>(to))));
  }
}

std::vector<double> NumbersOf(const InputProbe& probe, base::Random& random) {
  std::vector<double> numbers;
  if (probe.is_category) {
    numbers = probe.numbers;
    numbers.insert(numbers.end(), std::begin(kUnknownCodes), std::end(kUnknownCodes));
    if (!probe.numbers.empty()) numbers.push_back(*std::ranges::max_element(probe.numbers) + 1);
    return numbers;
  }
  for (const double threshold : probe.numbers) AppendNeighbours(threshold, numbers);
  for (int i = 0; i < 16; ++i) numbers.push_back(NextNormal(random));
  numbers.insert(numbers.end(), std::begin(kEdges), std::end(kEdges));
  std::erase_if(numbers, [](double number) { return !std::isfinite(number); });
  return numbers;
}

std::set<std::int64_t> IntsOf(const InputProbe& probe) {
  std::set<std::int64_t> ints = {0, 1, -1, 2, 3, 1'000'000};
  for (const double number : probe.numbers) {
    if (!(std::fabs(number) < kIntMax)) continue;
    const auto below = static_cast<std::int64_t>(std::floor(number));
    ints.insert({below, below + 1});
  }
  return ints;
}

// What one input's cells are taken from, with a missing value in about one of ten.
Result<data::Column> PoolOf(const data::Field& field, const InputProbe& probe, base::Random& random) {
  data::Column pool(field.type);
  switch (field.type) {
    case data::Type::kFloat64:
      for (const double number : NumbersOf(probe, random)) pool.AppendDouble(number);
      break;
    case data::Type::kInt64:
      for (const std::int64_t number : IntsOf(probe)) pool.AppendInt(number);
      break;
    case data::Type::kBool:
      for (const bool value : {false, true}) pool.AppendBool(value);
      break;
    case data::Type::kString:
      for (const std::string& text : probe.texts) pool.AppendString(text);
      for (const char* text : {kUnknownLabel, ""}) pool.AppendString(text);
      break;
    case data::Type::kTimestamp:
      return InvalidArgument("the input {} is a timestamp, for which no golden values are made; give rows", field.name);
  }
  for (std::size_t i = pool.size() / 10 + 1; i > 0; --i) pool.AppendNull();
  return pool;
}

data::Type TypeOf(const std::string& name, const InputProbe& probe, const GoldenInputOptions& options) {
  if (const data::Column* column = options.sample.Find(name)) return column->type();
  for (const data::Field& field : options.known.fields) {
    if (field.name == name) return field.type;
  }
  const bool is_text = !probe.texts.empty() || (probe.is_category && probe.numbers.empty());
  return is_text ? data::Type::kString : data::Type::kFloat64;
}

// Every place of the pool once before any comes again, in random order.
class Shuffled {
 public:
  Shuffled(std::size_t count, base::Random& random) : order_(count), next_(count), random_(random) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
  }

  std::size_t Next() {
    if (next_ == order_.size()) Shuffle();
    return order_[next_++];
  }

 private:
  void Shuffle() {
    for (std::size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[random_.Below(i)]);
    next_ = 0;
  }

  std::vector<std::size_t> order_;
  std::size_t next_;
  base::Random& random_;
};

data::Column CellsOf(const data::Column& pool, const data::Column* sample, std::size_t rows, base::Random& random) {
  data::Column cells(pool.type());
  cells.Reserve(rows);
  Shuffled place(pool.size(), random);
  for (std::size_t row = 0; row < rows; ++row) {
    const bool as_it_comes = sample != nullptr && row % 2 == 0 && random.Below(4) != 0;
    if (as_it_comes) {
      cells.AppendFrom(*sample, row / 2 % sample->size());
    } else {
      cells.AppendFrom(pool, place.Next());
    }
  }
  return cells;
}

void FindScorable(const Engine& engine, const data::Batch& rows, std::size_t from, std::size_t count,
                  std::vector<std::size_t>& scorable) {
  if (count == 0) return;
  std::vector<double> scores(count * engine.outputs(Output::kPrediction));
  if (engine.Score(rows.Slice(from, count), Output::kPrediction, scores)) {
    for (std::size_t i = 0; i < count; ++i) scorable.push_back(from + i);
  } else if (count > 1) {
    FindScorable(engine, rows, from, count / 2, scorable);
    FindScorable(engine, rows, from + count / 2, count - count / 2, scorable);
  }
}

}  // namespace

Result<data::Batch> ChooseGoldenInputs(const Engine& engine, const GoldenInputOptions& options) {
  base::Random random(options.seed);
  const std::vector<InputProbe> probes = engine.Probes();
  std::set<std::string_view> seen;  // a model may read a column twice
  std::vector<data::Field> fields;
  std::vector<data::Column> pools;
  std::size_t values_max = 0;
  for (std::size_t i = 0; i < engine.inputs().size(); ++i) {
    const std::string& name = engine.inputs()[i];
    if (!seen.insert(name).second) continue;
    fields.push_back({name, TypeOf(name, probes[i], options)});
    pools.push_back(SW_TRY(PoolOf(fields.back(), probes[i], random)));
    values_max = std::max(values_max, pools.back().size());
  }
  const std::size_t rows_max = kCellsMax / std::max<std::size_t>(1, fields.size());
  const std::size_t rows = std::clamp(2 * values_max, kRowsMin, std::clamp(rows_max, kRowsMin, kGoldenRowsMax));
  data::Batch inputs;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const data::Column* sample = options.sample.num_rows() == 0 ? nullptr : options.sample.Find(fields[i].name);
    inputs.AddColumn(fields[i], CellsOf(pools[i], sample, rows, random));
  }
  return inputs;
}

std::vector<std::size_t> ScorableRows(const Engine& engine, const data::Batch& rows) {
  std::vector<std::size_t> scorable;
  FindScorable(engine, rows, 0, rows.num_rows(), scorable);
  return scorable;
}

}  // namespace sw::model
