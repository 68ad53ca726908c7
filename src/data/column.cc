#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "base/check.h"
#include "base/clock.h"
#include "base/errors.h"
#include "data/batch.h"

namespace sw::data {
namespace {

constexpr std::size_t kQuotedBytesMax = 60;  // of a bad value in a message
constexpr double kInt64End = 9223372036854775808.0;

std::string_view Shortened(std::string_view text) { return text.substr(0, kQuotedBytesMax); }

bool IsIntLike(Type type) { return type == Type::kInt64 || type == Type::kTimestamp || type == Type::kBool; }

std::unexpected<Error> WrongValue(Type expected, const Json& value) {
  return InvalidArgument("expected {}, found {} {}", TypeName(expected), value.TypeName(),
                         Shortened(value.Dump()));
}

std::unexpected<Error> WrongText(Type expected, std::string_view text) {
  return InvalidArgument("expected {}, found \"{}\"", TypeName(expected), Shortened(text));
}

// Takes NaN and the infinities from the strings that base/json.h prints them as.
std::optional<double> DoubleOf(const Json& value) {
  if (value.IsNumber()) return value.AsDouble();
  if (!value.IsString()) return std::nullopt;
  if (value.AsString() == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (value.AsString() == "Infinity") return std::numeric_limits<double>::infinity();
  if (value.AsString() == "-Infinity") return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

// Takes 3.0 for 3: JSON writers of dynamic languages do not keep the two apart.
std::optional<std::int64_t> IntOf(const Json& value) {
  if (value.IsInt()) return value.AsInt();
  if (!value.IsDouble()) return std::nullopt;
  const double number = value.AsDouble();
  if (!(number >= -kInt64End && number < kInt64End) || std::trunc(number) != number) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

std::optional<std::int64_t> BoolOf(const Json& value) {
  if (value.IsBool()) return value.AsBool() ? 1 : 0;
  const auto number = IntOf(value);
  return number && (*number == 0 || *number == 1) ? number : std::nullopt;
}

template <typename Number>
std::optional<Number> NumberOf(std::string_view text) {
  Number value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

}  // namespace

double Column::AsDouble(std::size_t row) const {
  if (IsNull(row) || type_ == Type::kString) return std::numeric_limits<double>::quiet_NaN();
  return type_ == Type::kFloat64 ? doubles_[row] : static_cast<double>(ints_[row]);
}

std::string Column::ToText(std::size_t row) const {
  if (IsNull(row)) return "null";
  switch (type_) {
    case Type::kBool: return Int(row) != 0 ? "true" : "false";
    case Type::kInt64: return fmt::format("{}", Int(row));
    case Type::kString: return std::string(String(row));
    case Type::kTimestamp: return base::FormatTime(Int(row));
    case Type::kFloat64: break;
  }
  std::string text;
  base::AppendJsonDouble(text, Double(row));
  return text.starts_with('"') ? text.substr(1, text.size() - 2) : text;
}

Json Column::ToJson(std::size_t row) const {
  if (IsNull(row)) return nullptr;
  switch (type_) {
    case Type::kBool: return Int(row) != 0;
    case Type::kInt64: return Int(row);
    case Type::kFloat64: return Double(row);
    case Type::kString: return String(row);
    case Type::kTimestamp: return base::FormatTime(Int(row));
  }
  return nullptr;
}

void Column::Reserve(std::size_t rows) {
  if (IsIntLike(type_)) ints_.reserve(rows);
  if (type_ == Type::kFloat64) doubles_.reserve(rows);
  if (type_ == Type::kString) ends_.reserve(rows);
}

void Column::AppendNull() {
  if (IsIntLike(type_)) ints_.push_back(0);
  if (type_ == Type::kFloat64) doubles_.push_back(std::numeric_limits<double>::quiet_NaN());
  if (type_ == Type::kString) ends_.push_back(bytes_.size());
  if (null_count_ == 0) nulls_.assign(size_, 0);
  nulls_.push_back(1);
  ++null_count_;
  ++size_;
}

void Column::AppendString(std::string_view value) {
  SW_DCHECK(type_ == Type::kString, "AppendString on a column of another type");
  bytes_.append(value);
  ends_.push_back(bytes_.size());
  CountValue();
}

void Column::AppendFrom(const Column& other, std::size_t row) {
  SW_DCHECK(other.type_ == type_, "AppendFrom between columns of two types");
  if (other.IsNull(row)) return AppendNull();
  if (type_ == Type::kString) return AppendString(other.String(row));
  if (type_ == Type::kFloat64) return AppendDouble(other.Double(row));
  AppendInt(other.Int(row));
}

void Column::AppendInts(std::span<const std::int64_t> values) {
  SW_DCHECK(IsIntLike(type_), "AppendInts on a column of another type");
  ints_.insert(ints_.end(), values.begin(), values.end());
  CountValues(values.size());
}

void Column::AppendDoubles(std::span<const double> values) {
  SW_DCHECK(type_ == Type::kFloat64, "AppendDoubles on a column of another type");
  doubles_.insert(doubles_.end(), values.begin(), values.end());
  CountValues(values.size());
}

void Column::AppendRange(const Column& other, std::size_t from, std::size_t count) {
  SW_DCHECK(other.type_ == type_, "AppendRange between columns of two types");
  SW_DCHECK(&other != this, "AppendRange of a column to itself");
  SW_DCHECK(from <= other.size_ && count <= other.size_ - from, "AppendRange beyond a column's end");
  const auto part = [&](const auto& values) { return std::span(values).subspan(from, count); };
  const auto append = [&](auto& values, const auto& more) { values.insert(values.end(), more.begin(), more.end()); };
  const auto nulls = other.null_count_ == 0 ? std::span<const std::uint8_t>() : part(other.nulls_);
  const auto null_count = static_cast<std::size_t>(std::ranges::count(nulls, 1));
  if (null_count_ + null_count > 0) {
    nulls_.resize(size_, 0);
    append(nulls_, nulls);
    nulls_.resize(size_ + count, 0);
  }
  null_count_ += null_count;
  size_ += count;
  if (IsIntLike(type_)) append(ints_, part(other.ints_));
  if (type_ == Type::kFloat64) append(doubles_, part(other.doubles_));
  if (type_ != Type::kString || count == 0) return;
  const std::uint64_t begin = from == 0 ? 0 : other.ends_[from - 1], offset = bytes_.size();
  bytes_.append(other.bytes_, begin, other.ends_[from + count - 1] - begin);
  for (const std::uint64_t end : part(other.ends_)) ends_.push_back(offset + end - begin);
}

Status Column::AppendJson(const Json& value) {
  if (value.IsNull()) {
    AppendNull();
    return Ok();
  }
  if (type_ == Type::kString) {
    if (!value.IsString()) return WrongValue(type_, value);
    AppendString(value.AsString());
    return Ok();
  }
  if (type_ == Type::kFloat64) {
    const auto number = DoubleOf(value);
    if (!number) return WrongValue(type_, value);
    AppendDouble(*number);
    return Ok();
  }
  if (type_ == Type::kTimestamp) {
    if (!value.IsString()) return WrongValue(type_, value);
    return AppendText(value.AsString());
  }
  const auto number = type_ == Type::kBool ? BoolOf(value) : IntOf(value);
  if (!number) return WrongValue(type_, value);
  AppendInt(*number);
  return Ok();
}

Status Column::AppendText(std::string_view text) {
  if (type_ == Type::kString) {
    AppendString(text);
    return Ok();
  }
  if (text.empty()) {
    AppendNull();
    return Ok();
  }
  if (type_ == Type::kFloat64) {
    const auto number = NumberOf<double>(text);
    if (!number) return WrongText(type_, text);
    AppendDouble(*number);
    return Ok();
  }
  std::optional<std::int64_t> value;
  if (type_ == Type::kInt64) value = NumberOf<std::int64_t>(text);
  if (type_ == Type::kTimestamp) {
    if (const auto time = base::ParseTime(text)) value = *time;
  }
  if (type_ == Type::kBool && (text == "true" || text == "1")) value = 1;
  if (type_ == Type::kBool && (text == "false" || text == "0")) value = 0;
  if (!value) return WrongText(type_, text);
  AppendInt(*value);
  return Ok();
}

bool Column::operator==(const Column& other) const {
  const auto same_bits = [](double a, double b) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
  };
  return type_ == other.type_ && size_ == other.size_ && nulls_ == other.nulls_ && ints_ == other.ints_ && ends_ == other.ends_ &&
         bytes_ == other.bytes_ &&
         std::equal(doubles_.begin(), doubles_.end(), other.doubles_.begin(), other.doubles_.end(), same_bits);
}

}  // namespace sw::data
