#include "feature/aggregate.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/errors.h"
#include "base/hash.h"
#include "data/schema.h"

namespace sw::feature {
namespace {

constexpr std::string_view kNames[] = {"count",  "sum",          "mean",       "min",            "max",     "first", "last", "variance",
                                       "stddev", "variance_pop", "stddev_pop", "distinct_count", "quantile", "value"};

bool IsNumber(data::Type type) {
  return type == data::Type::kInt64 || type == data::Type::kFloat64 || type == data::Type::kBool;
}

bool NeedsNumbers(Aggregate aggregate) {
  return IsAccumulating(aggregate) && aggregate != Aggregate::kCount && aggregate != Aggregate::kDistinctCount;
}

bool IsMoments(Aggregate aggregate) {
  return aggregate == Aggregate::kVariance || aggregate == Aggregate::kVariancePop || aggregate == Aggregate::kStddev ||
         aggregate == Aggregate::kStddevPop;
}

FeatureValue ValueOf(const ExactMoments& moments, Aggregate aggregate) {
  const bool is_sample = aggregate == Aggregate::kVariance || aggregate == Aggregate::kStddev;
  const bool is_root = aggregate == Aggregate::kStddev || aggregate == Aggregate::kStddevPop;
  const std::optional<double> variance = moments.Variance(is_sample ? 1 : 0);
  if (!variance) return FeatureValue{};
  return is_root ? std::sqrt(*variance) : *variance;
}

FeatureValue ValueOf(const ExactSum& sum, Aggregate aggregate) {
  if (sum.count() == 0) return FeatureValue{};
  return aggregate == Aggregate::kMean ? sum.RoundedMean() : sum.Rounded();
}

FeatureValue ValueOf(const stats::QuantileSketch& sketch, double q) {
  const std::optional<double> value = sketch.Quantile(q);
  return value ? FeatureValue{*value} : FeatureValue{};
}

template <typename Number>
void Put(std::string& out, const Number& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

Result<std::int64_t> DecodeCount(std::string_view bytes) {
  std::int64_t count = 0;
  if (bytes.size() != sizeof count) return DataLoss("aggregate state: {} bytes are no count", bytes.size());
  std::memcpy(&count, bytes.data(), sizeof count);
  if (count < 0) return DataLoss("aggregate state: a count of {} cannot be", count);
  return count;
}

Result<IntegerSum> DecodeIntegers(std::string_view bytes) {
  IntegerSum state;
  if (bytes.size() != sizeof state.count + sizeof state.sum) return DataLoss("aggregate state: {} bytes are no sum", bytes.size());
  state.count = SW_TRY(DecodeCount(bytes.substr(0, sizeof state.count)));
  std::memcpy(&state.sum, bytes.data() + sizeof state.count, sizeof state.sum);
  return state;
}

}  // namespace

std::string_view AggregateName(Aggregate aggregate) { return kNames[static_cast<std::size_t>(aggregate)]; }

std::vector<std::string> AggregateNames() { return {std::begin(kNames), std::end(kNames)}; }

Result<Aggregate> ParseAggregate(std::string_view name) {
  const auto found = std::find(std::begin(kNames), std::end(kNames), name);
  if (found != std::end(kNames)) return static_cast<Aggregate>(found - std::begin(kNames));
  const std::vector<std::string> near = data::NearMisses(name, AggregateNames());
  return InvalidArgument("no aggregate \"{}\"; {}{}there are {}", name, near.empty() ? "" : "did you mean ",
                         near.empty() ? "" : fmt::format("{}? ", near.front()), fmt::join(kNames, ", "));
}

bool IsAccumulating(Aggregate aggregate) {
  switch (aggregate) {
    case Aggregate::kMin:
    case Aggregate::kMax:
    case Aggregate::kFirst:
    case Aggregate::kLast:
    case Aggregate::kValue: return false;
    default: return true;
  }
}

Result<data::Type> TermType(const Term& term, data::Type column) {
  const Aggregate aggregate = term.aggregate;
  if (NeedsNumbers(aggregate) && !IsNumber(column)) {
    return InvalidArgument("{} needs a column of numbers, found {}", AggregateName(aggregate), data::TypeName(column));
  }
  if (aggregate == Aggregate::kCount || aggregate == Aggregate::kDistinctCount) return data::Type::kInt64;
  if (aggregate == Aggregate::kMean || aggregate == Aggregate::kQuantile || IsMoments(aggregate)) return data::Type::kFloat64;
  return aggregate == Aggregate::kSum && column == data::Type::kBool ? data::Type::kInt64 : column;
}

std::uint64_t CanonicalBits(double value) {
  if (std::isnan(value)) return std::bit_cast<std::uint64_t>(std::numeric_limits<double>::quiet_NaN());
  return value == 0 ? 0 : std::bit_cast<std::uint64_t>(value);
}

void DistinctValues::AddKey(std::string_view key) {
  if (sketch_) return sketch_->AddHash(base::Hash64(key));
  exact_.emplace(key);
  if (exact_.size() > exact_max_) GoBeyond();
}

void DistinctValues::GoBeyond() {
  sketch_.emplace();
  for (const std::string& key : std::exchange(exact_, {})) sketch_->AddHash(base::Hash64(key));
}

void DistinctValues::Add(const data::Column& column, std::size_t row) {
  if (column.type() == data::Type::kString) return AddKey(column.String(row));
  const bool is_real = column.type() == data::Type::kFloat64;
  const std::uint64_t bits = is_real ? CanonicalBits(column.Double(row)) : static_cast<std::uint64_t>(column.Int(row));
  AddKey({reinterpret_cast<const char*>(&bits), sizeof bits});
}

void DistinctValues::Merge(const DistinctValues& other) {
  for (const std::string& key : other.exact_) AddKey(key);
  if (!other.sketch_) return;
  if (!sketch_) GoBeyond();
  sketch_->Merge(*other.sketch_);
}

std::int64_t DistinctValues::Count() const {
  return sketch_ ? static_cast<std::int64_t>(std::floor(sketch_->Estimate() + 0.5)) : static_cast<std::int64_t>(exact_.size());
}

// The exact ones in order: equal sets give equal bytes.
std::string DistinctValues::Encode() const {
  std::string bytes(1, sketch_ ? '\1' : '\0');
  if (sketch_) return bytes + sketch_->Encode();
  std::vector<std::string_view> keys(exact_.begin(), exact_.end());
  std::sort(keys.begin(), keys.end());
  for (const std::string_view key : keys) {
    Put(bytes, static_cast<std::uint32_t>(key.size()));
    bytes += key;
  }
  return bytes;
}

Result<DistinctValues> DistinctValues::Decode(std::string_view bytes, std::size_t exact_max) {
  DistinctValues values(exact_max);
  if (bytes.empty() || (bytes[0] != '\0' && bytes[0] != '\1')) return DataLoss("distinct values: {} bytes of no known form", bytes.size());
  const bool is_sketch = bytes[0] == '\1';
  bytes.remove_prefix(1);
  if (is_sketch) {
    values.sketch_ = SW_TRY(stats::DistinctSketch::Decode(bytes));
    return values;
  }
  while (!bytes.empty()) {
    std::uint32_t size = 0;
    if (bytes.size() < sizeof size) return DataLoss("distinct values: a value ends too early");
    std::memcpy(&size, bytes.data(), sizeof size);
    bytes.remove_prefix(sizeof size);
    if (bytes.size() < size || values.exact_.size() == exact_max) return DataLoss("distinct values: a value of {} bytes is too much", size);
    if (!values.exact_.emplace(bytes.substr(0, size)).second) return DataLoss("distinct values: a value comes twice");
    bytes.remove_prefix(size);
  }
  return values;
}

AggregateState AggregateState::For(const Term& term, data::Type column) {
  AggregateState state;
  if (term.aggregate == Aggregate::kSum || term.aggregate == Aggregate::kMean) {
    if (column == data::Type::kFloat64) {
      state.state_.emplace<ExactSum>();
    } else {
      state.state_.emplace<IntegerSum>();
    }
  } else if (IsMoments(term.aggregate)) {
    state.state_.emplace<ExactMoments>();
  } else if (term.aggregate == Aggregate::kDistinctCount) {
    state.state_.emplace<DistinctValues>(term.parameter > 0 ? static_cast<std::size_t>(term.parameter) : kDistinctExactUsual);
  } else if (term.aggregate == Aggregate::kQuantile) {
    state.state_.emplace<stats::QuantileSketch>();
  }
  return state;
}

void AggregateState::Add(const data::Column& column, std::size_t row) {
  if (column.IsNull(row)) return;
  AddEach(column, [row](auto visit) { visit(row); });
}

void AggregateState::Merge(const AggregateState& other) {
  std::visit(
      [&](auto& mine) {
        using State = std::decay_t<decltype(mine)>;
        const State& more = std::get<State>(other.state_);
        if constexpr (std::is_same_v<State, ValueCount> || std::is_same_v<State, IntegerSum>) {
          mine.count += more.count;
          if constexpr (std::is_same_v<State, IntegerSum>) mine.sum += more.sum;
        } else {
          mine.Merge(more);
        }
      },
      state_);
}

Result<FeatureValue> AggregateState::Value(const Term& term) const {
  if (const auto* count = std::get_if<ValueCount>(&state_)) return FeatureValue{count->count};
  if (const auto* integers = std::get_if<IntegerSum>(&state_)) return IntegerValue(integers->sum, integers->count, term.aggregate);
  if (const auto* doubles = std::get_if<ExactSum>(&state_)) return ValueOf(*doubles, term.aggregate);
  if (const auto* moments = std::get_if<ExactMoments>(&state_)) return ValueOf(*moments, term.aggregate);
  if (const auto* values = std::get_if<DistinctValues>(&state_)) return FeatureValue{values->Count()};
  return ValueOf(std::get<stats::QuantileSketch>(state_), term.parameter);
}

std::string AggregateState::Encode() const {
  return std::visit(
      [](const auto& state) -> std::string {
        using State = std::decay_t<decltype(state)>;
        if constexpr (std::is_same_v<State, ValueCount> || std::is_same_v<State, IntegerSum>) {
          std::string bytes;
          Put(bytes, state.count);
          if constexpr (std::is_same_v<State, IntegerSum>) Put(bytes, state.sum);
          return bytes;
        } else {
          return state.Encode();
        }
      },
      state_);
}

Result<AggregateState> AggregateState::Decode(std::string_view bytes, const AggregateState& like) {
  AggregateState state;
  if (std::holds_alternative<ValueCount>(like.state_)) {
    state.state_ = ValueCount{SW_TRY(DecodeCount(bytes))};
  } else if (std::holds_alternative<IntegerSum>(like.state_)) {
    state.state_ = SW_TRY(DecodeIntegers(bytes));
  } else if (std::holds_alternative<ExactSum>(like.state_)) {
    state.state_ = SW_TRY(ExactSum::Decode(bytes));
  } else if (std::holds_alternative<ExactMoments>(like.state_)) {
    state.state_ = SW_TRY(ExactMoments::Decode(bytes));
  } else if (const auto* values = std::get_if<DistinctValues>(&like.state_)) {
    state.state_ = SW_TRY(DistinctValues::Decode(bytes, values->exact_max()));
  } else {
    state.state_ = SW_TRY(stats::QuantileSketch::Decode(bytes));
  }
  return state;
}

Result<FeatureValue> IntegerValue(__int128 sum, std::int64_t count, Aggregate aggregate) {
  if (count == 0) return FeatureValue{};
  if (aggregate == Aggregate::kMean) return FeatureValue{RoundedQuotient(sum, static_cast<std::uint64_t>(count))};
  if (sum > std::numeric_limits<std::int64_t>::max() || sum < std::numeric_limits<std::int64_t>::min()) {
    return InvalidArgument("the sum of {} int64 values does not fit into int64; declare the column float64", count);
  }
  return FeatureValue{static_cast<std::int64_t>(sum)};
}

FeatureValue Quotient(const FeatureValue& value, const FeatureValue& divisor) {
  const auto number = [](const FeatureValue& of) -> std::optional<double> {
    if (const auto* integer = std::get_if<std::int64_t>(&of)) return static_cast<double>(*integer);
    if (const auto* real = std::get_if<double>(&of)) return *real;
    return std::nullopt;
  };
  const std::optional<double> above = number(value), below = number(divisor);
  return above && below && *below != 0 ? FeatureValue{*above / *below} : FeatureValue{};
}

}  // namespace sw::feature
