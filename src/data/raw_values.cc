// What stands in a RawTable's cells: values, keys, times, and bytes to compare by.
#include <arrow/api.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <type_traits>

#include "base/clock.h"
#include "base/errors.h"
#include "data/raw_impl.h"

namespace sw::data {
namespace {

using arrow::internal::checked_cast;
using Limits = std::numeric_limits<std::int64_t>;

constexpr std::int64_t kNsPerUs = 1'000;

// The array and the row in it that stand behind dictionaries and extension types.
struct Cell {
  std::shared_ptr<arrow::Array> held;
  const arrow::Array* array = nullptr;
  std::int64_t row = 0;
};

Cell Behind(const arrow::Array& array, std::int64_t row) {
  Cell cell{nullptr, &array, row};
  while (!cell.array->IsNull(cell.row)) {
    if (cell.array->type_id() == arrow::Type::DICTIONARY) {
      const auto& words = checked_cast<const arrow::DictionaryArray&>(*cell.array);
      const std::int64_t at = words.GetValueIndex(cell.row);
      cell = {words.dictionary(), words.dictionary().get(), at};
    } else if (cell.array->type_id() == arrow::Type::EXTENSION) {
      const auto storage = checked_cast<const arrow::ExtensionArray&>(*cell.array).storage();
      cell = {storage, storage.get(), cell.row};
    } else {
      break;
    }
  }
  return cell;
}

// Calls `use` with a typed array of integers; false when it is none.
template <typename Use>
bool WithInts(const arrow::Array& array, Use use) {
  switch (array.type_id()) {
    case arrow::Type::INT8: use(checked_cast<const arrow::Int8Array&>(array)); return true;
    case arrow::Type::INT16: use(checked_cast<const arrow::Int16Array&>(array)); return true;
    case arrow::Type::INT32: use(checked_cast<const arrow::Int32Array&>(array)); return true;
    case arrow::Type::INT64: use(checked_cast<const arrow::Int64Array&>(array)); return true;
    case arrow::Type::UINT8: use(checked_cast<const arrow::UInt8Array&>(array)); return true;
    case arrow::Type::UINT16: use(checked_cast<const arrow::UInt16Array&>(array)); return true;
    case arrow::Type::UINT32: use(checked_cast<const arrow::UInt32Array&>(array)); return true;
    case arrow::Type::UINT64: use(checked_cast<const arrow::UInt64Array&>(array)); return true;
    default: return false;
  }
}

// Likewise, of text and bytes.
template <typename Use>
bool WithTexts(const arrow::Array& array, Use use) {
  switch (array.type_id()) {
    case arrow::Type::STRING: use(checked_cast<const arrow::StringArray&>(array), true); return true;
    case arrow::Type::LARGE_STRING: use(checked_cast<const arrow::LargeStringArray&>(array), true); return true;
    case arrow::Type::STRING_VIEW: use(checked_cast<const arrow::StringViewArray&>(array), true); return true;
    case arrow::Type::BINARY: use(checked_cast<const arrow::BinaryArray&>(array), false); return true;
    case arrow::Type::LARGE_BINARY: use(checked_cast<const arrow::LargeBinaryArray&>(array), false); return true;
    case arrow::Type::BINARY_VIEW: use(checked_cast<const arrow::BinaryViewArray&>(array), false); return true;
    case arrow::Type::FIXED_SIZE_BINARY: use(checked_cast<const arrow::FixedSizeBinaryArray&>(array), false); return true;
    default: return false;
  }
}

// Likewise, of times.
template <typename Use>
bool WithTimes(const arrow::Array& array, Use use) {
  switch (array.type_id()) {
    case arrow::Type::TIMESTAMP: use(checked_cast<const arrow::TimestampArray&>(array)); return true;
    case arrow::Type::DATE32: use(checked_cast<const arrow::Date32Array&>(array)); return true;
    case arrow::Type::DATE64: use(checked_cast<const arrow::Date64Array&>(array)); return true;
    default: return false;
  }
}

std::int64_t NanosAUnit(const arrow::DataType& type) {
  if (type.id() == arrow::Type::DATE32) return base::kDayUs * kNsPerUs;
  if (type.id() == arrow::Type::DATE64) return base::kMillisecondUs * kNsPerUs;
  switch (checked_cast<const arrow::TimestampType&>(type).unit()) {
    case arrow::TimeUnit::SECOND: return base::kSecondUs * kNsPerUs;
    case arrow::TimeUnit::MILLI: return base::kMillisecondUs * kNsPerUs;
    case arrow::TimeUnit::MICRO: return kNsPerUs;
    case arrow::TimeUnit::NANO: return 1;
  }
  return 1;
}

std::int64_t Saturated(std::int64_t value, std::int64_t factor) {
  std::int64_t product = 0;
  if (!__builtin_mul_overflow(value, factor, &product)) return product;
  return value < 0 ? Limits::min() : Limits::max();
}

std::int64_t FloorUs(std::int64_t ns) { return ns / kNsPerUs - (ns % kNsPerUs < 0 ? 1 : 0); }

std::int64_t InUnit(std::int64_t value, std::int64_t nanos_a_unit, TimeUnit unit) {
  if (unit == TimeUnit::kNanoseconds) return Saturated(value, nanos_a_unit);
  return nanos_a_unit == 1 ? FloorUs(value) : Saturated(value, nanos_a_unit / kNsPerUs);
}

RawValue::Time TimeOf(std::int64_t value, std::int64_t nanos_a_unit) {
  if (nanos_a_unit != 1) return {.us = Saturated(value, nanos_a_unit / kNsPerUs), .ns = 0};
  const std::int64_t us = FloorUs(value);
  return {.us = us, .ns = static_cast<int>(value - us * kNsPerUs)};
}

template <typename T>
void AppendBytes(T value, std::string& out) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof bytes);
}

void AppendText(char kind, std::string_view text, std::string& out) {
  out.push_back(kind);
  AppendBytes(static_cast<std::uint32_t>(text.size()), out);
  out.append(text);
}

template <typename Int>
void AppendInt(Int value, std::string& out) {
  const bool fits = std::in_range<std::int64_t>(value);
  out.push_back(fits ? 'i' : 'u');
  AppendBytes(static_cast<std::int64_t>(value), out);
}

// False: the row has no key.
bool AppendKeyOfFloat(double value, std::string& out) {
  if (std::isnan(value)) return false;
  constexpr double kEdge = 9223372036854775808.0;
  if (value >= -kEdge && value < kEdge && value == std::trunc(value)) {
    AppendInt(static_cast<std::int64_t>(value), out);
  } else {
    out.push_back('d');
    AppendBytes(value, out);
  }
  return true;
}

Result<bool> AppendKey(const arrow::Array& array, std::int64_t row, std::string& out) {
  const Cell cell = Behind(array, row);
  if (cell.array->IsNull(cell.row)) return false;
  if (WithInts(*cell.array, [&](const auto& ints) { AppendInt(ints.Value(cell.row), out); })) return true;
  if (WithTexts(*cell.array, [&](const auto& texts, bool is_text) { AppendText(is_text ? 's' : 'b', texts.GetView(cell.row), out); })) return true;
  const bool is_time = WithTimes(*cell.array, [&](const auto& times) {
    const RawValue::Time time = TimeOf(times.Value(cell.row), NanosAUnit(*times.type()));
    out.push_back('t');
    AppendBytes(time.us, out);
    AppendBytes(time.ns, out);
  });
  if (is_time) return true;
  switch (cell.array->type_id()) {
    case arrow::Type::NA: return false;
    case arrow::Type::BOOL: AppendInt(checked_cast<const arrow::BooleanArray&>(*cell.array).Value(cell.row) ? 1 : 0, out); return true;
    case arrow::Type::FLOAT: return AppendKeyOfFloat(checked_cast<const arrow::FloatArray&>(*cell.array).Value(cell.row), out);
    case arrow::Type::DOUBLE: return AppendKeyOfFloat(checked_cast<const arrow::DoubleArray&>(*cell.array).Value(cell.row), out);
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256: {
      const auto scalar = SW_TRY(Ours(cell.array->GetScalar(cell.row)));
      AppendText('m', scalar->ToString(), out);
      return true;
    }
    default: return InvalidArgument("a column of {} cannot be a join key", cell.array->type()->ToString());
  }
}

Status AppendTimes(const arrow::Array& array, TimeUnit unit, std::string_view column, RawTimes& times) {
  const std::size_t begin = times.values.size();
  times.values.resize(begin + static_cast<std::size_t>(array.length()));
  times.is_null.resize(times.values.size());
  std::int64_t* to = times.values.data() + begin;
  std::uint8_t* nulls = times.is_null.data() + begin;
  const bool is_time = WithTimes(array, [&](const auto& typed) {
    const std::int64_t nanos = NanosAUnit(*typed.type());
    const bool is_as_it_is = nanos == (unit == TimeUnit::kNanoseconds ? 1 : kNsPerUs);
    for (std::int64_t row = 0; row < typed.length(); ++row) to[row] = is_as_it_is ? typed.Value(row) : InUnit(typed.Value(row), nanos, unit);
    if (typed.null_count() == 0) return;
    for (std::int64_t row = 0; row < typed.length(); ++row) nulls[row] = typed.IsNull(row);
  });
  if (is_time) return Ok();
  for (std::int64_t row = 0; row < array.length(); ++row) {
    const RawValue value = SW_TRY(ValueOf(array, row));
    if (value.IsNull()) {
      nulls[row] = 1;
    } else if (const auto* time = std::get_if<RawValue::Time>(&value.value)) {
      to[row] = unit == TimeUnit::kMicroseconds ? time->us : Saturated(time->us, kNsPerUs);
      if (unit == TimeUnit::kNanoseconds && __builtin_add_overflow(to[row], time->ns, &to[row])) to[row] = Limits::max();
    } else if (const auto* text = std::get_if<std::string>(&value.value)) {
      const auto parsed = base::ParseTime(*text);
      if (!parsed) return InvalidArgument("column \"{}\": {}", column, parsed.error().message);
      to[row] = unit == TimeUnit::kMicroseconds ? *parsed : Saturated(*parsed, kNsPerUs);
    } else {
      return InvalidArgument("column \"{}\" is {}, not a time; write it as timestamps", column, array.type()->ToString());
    }
  }
  return Ok();
}

// One column of integers, without a detour.
bool TakeNumbers(const arrow::ChunkedArray& column, RawKeys& keys) {
  if (!arrow::is_signed_integer(column.type()->id())) return false;
  keys.is_number = true;
  keys.numbers.reserve(static_cast<std::size_t>(column.length()));
  keys.is_null.resize(static_cast<std::size_t>(column.length()));
  for (const auto& chunk : column.chunks()) {
    const std::size_t begin = keys.numbers.size();
    WithInts(*chunk, [&](const auto& ints) {
      const auto* const values = ints.raw_values();
      for (std::int64_t row = 0; row < ints.length(); ++row) keys.numbers.push_back(static_cast<std::int64_t>(values[row]));
    });
    if (chunk->null_count() == 0) continue;
    for (std::int64_t row = 0; row < chunk->length(); ++row) keys.is_null[begin + static_cast<std::size_t>(row)] = chunk->IsNull(row);
  }
  return true;
}

// Goes through the rows of several columns, whose chunks need not match.
class Cursor {
 public:
  explicit Cursor(const arrow::ChunkedArray& column) : column_(&column) {}
  const arrow::Array* Array() {
    while (chunk_ < column_->num_chunks() && row_ >= column_->chunk(chunk_)->length()) {
      row_ = 0;
      ++chunk_;
    }
    return column_->chunk(chunk_).get();
  }
  std::int64_t Row() const { return row_; }
  void Next() { ++row_; }

 private:
  const arrow::ChunkedArray* column_;
  int chunk_ = 0;
  std::int64_t row_ = 0;
};

std::pair<std::shared_ptr<arrow::Array>, std::int64_t> Find(const arrow::ChunkedArray& column, std::size_t row) {
  auto left = static_cast<std::int64_t>(row);
  for (const auto& chunk : column.chunks()) {
    if (left < chunk->length()) return {chunk, left};
    left -= chunk->length();
  }
  return {nullptr, 0};
}

// The elements of a list-like cell: [begin, end) of an array; false when it is none.
bool ElementsOf(const Cell& cell, std::shared_ptr<arrow::Array>& values, std::int64_t& begin, std::int64_t& end) {
  const auto take = [&](const auto& lists) {
    values = lists.values();
    begin = lists.value_offset(cell.row);
    end = begin + lists.value_length(cell.row);
    return true;
  };
  switch (cell.array->type_id()) {
    case arrow::Type::LIST: return take(checked_cast<const arrow::ListArray&>(*cell.array));
    case arrow::Type::LARGE_LIST: return take(checked_cast<const arrow::LargeListArray&>(*cell.array));
    case arrow::Type::FIXED_SIZE_LIST: return take(checked_cast<const arrow::FixedSizeListArray&>(*cell.array));
    default: return false;
  }
}

Result<RawValue> PairsOf(const Cell& cell) {
  RawValue::Pairs pairs;
  if (cell.array->type_id() == arrow::Type::MAP) {
    const auto& map = checked_cast<const arrow::MapArray&>(*cell.array);
    for (std::int64_t i = map.value_offset(cell.row); i < map.value_offset(cell.row) + map.value_length(cell.row); ++i) {
      pairs.emplace_back(SW_TRY(ValueOf(*map.keys(), i)), SW_TRY(ValueOf(*map.items(), i)));
    }
    return RawValue{std::move(pairs)};
  }
  const auto& fields = checked_cast<const arrow::StructArray&>(*cell.array);
  for (int i = 0; i < fields.num_fields(); ++i) {
    pairs.emplace_back(RawValue{fields.struct_type()->field(i)->name()}, SW_TRY(ValueOf(*fields.field(i), cell.row)));
  }
  return RawValue{std::move(pairs)};
}

}  // namespace

std::string_view RawKeys::Bytes(std::size_t row) const {
  const std::size_t begin = row == 0 ? 0 : ends[row - 1];
  return std::string_view(bytes).substr(begin, ends[row] - begin);
}

std::string KeyOfNumber(std::int64_t number) {
  std::string key;
  AppendInt(number, key);
  return key;
}

std::optional<std::int64_t> NumberOfKey(std::string_view key) {
  if (key.size() != 1 + sizeof(std::int64_t) || key.front() != 'i') return std::nullopt;
  std::int64_t number = 0;
  std::memcpy(&number, key.data() + 1, sizeof number);
  return number;
}

Result<RawValue> ValueOf(const arrow::Array& array, std::int64_t row) {
  const Cell cell = Behind(array, row);
  if (cell.array->IsNull(cell.row)) return RawValue{};
  RawValue value;
  if (WithInts(*cell.array, [&](const auto& ints) { value.value = static_cast<std::int64_t>(ints.Value(cell.row)); })) return value;
  const bool is_text = WithTexts(*cell.array, [&](const auto& texts, bool is_utf8) {
    std::string bytes(texts.GetView(cell.row));
    if (is_utf8) value.value = std::move(bytes);
    else value.value = RawValue::Bytes{std::move(bytes)};
  });
  if (is_text) return value;
  if (WithTimes(*cell.array, [&](const auto& times) { value.value = TimeOf(times.Value(cell.row), NanosAUnit(*times.type())); })) return value;
  std::shared_ptr<arrow::Array> values;
  std::int64_t begin = 0, end = 0;
  if (ElementsOf(cell, values, begin, end)) {
    RawValue::List list;
    for (std::int64_t i = begin; i < end; ++i) list.push_back(SW_TRY(ValueOf(*values, i)));
    return RawValue{std::move(list)};
  }
  switch (cell.array->type_id()) {
    case arrow::Type::NA: return RawValue{};
    case arrow::Type::BOOL: return RawValue{checked_cast<const arrow::BooleanArray&>(*cell.array).Value(cell.row)};
    case arrow::Type::FLOAT: return RawValue{checked_cast<const arrow::FloatArray&>(*cell.array).Value(cell.row)};
    case arrow::Type::DOUBLE: return RawValue{checked_cast<const arrow::DoubleArray&>(*cell.array).Value(cell.row)};
    case arrow::Type::MAP:
    case arrow::Type::STRUCT: return PairsOf(cell);
    default: return RawValue{SW_TRY(Ours(cell.array->GetScalar(cell.row)))->ToString()};
  }
}

void AppendContentOf(const arrow::Array& array, std::int64_t row, std::string& out) {
  const auto value = ValueOf(array, row);
  if (!value) return out.push_back('?');
  const std::function<void(const RawValue&)> append = [&](const RawValue& each) {
    out.push_back(static_cast<char>('0' + each.value.index()));
    std::visit(
        [&](const auto& held) {
          using T = std::decay_t<decltype(held)>;
          if constexpr (std::is_arithmetic_v<T>) AppendBytes(held, out);
          if constexpr (std::is_same_v<T, std::string>) AppendText('s', held, out);
          if constexpr (std::is_same_v<T, RawValue::Bytes>) AppendText('b', held.bytes, out);
          if constexpr (std::is_same_v<T, RawValue::Time>) {
            AppendBytes(held.us, out);
            AppendBytes(held.ns, out);
          }
          if constexpr (std::is_same_v<T, RawValue::List>) {
            AppendBytes(held.size(), out);
            for (const RawValue& item : held) append(item);
          }
          if constexpr (std::is_same_v<T, RawValue::Pairs>) {
            AppendBytes(held.size(), out);
            for (const auto& [key, item] : held) {
              append(key);
              append(item);
            }
          }
        },
        each.value);
  };
  append(*value);
}

Result<RawTimes> RawTable::Times(std::size_t column, TimeUnit unit) const {
  return CatchingExceptions<RawTimes>([&]() -> Result<RawTimes> {
    RawTimes times;
    for (const auto& chunk : impl_->table->column(static_cast<int>(column))->chunks()) {
      SW_TRY(AppendTimes(*chunk, unit, impl_->columns[column].name, times));
    }
    return times;
  });
}

Result<RawKeys> RawTable::Keys(const std::vector<std::size_t>& columns) const {
  return CatchingExceptions<RawKeys>([&]() -> Result<RawKeys> {
    RawKeys keys;
    std::vector<Cursor> cursors;
    for (const std::size_t column : columns) cursors.emplace_back(*impl_->table->column(static_cast<int>(column)));
    if (columns.size() == 1 && TakeNumbers(*impl_->table->column(static_cast<int>(columns.front())), keys)) return keys;
    keys.is_null.resize(num_rows());
    keys.ends.resize(num_rows());
    for (std::size_t row = 0; row < num_rows(); ++row) {
      bool has_all = true;
      for (Cursor& cursor : cursors) {
        const arrow::Array* const array = cursor.Array();
        has_all = SW_TRY(AppendKey(*array, cursor.Row(), keys.bytes)) && has_all;
        cursor.Next();
      }
      keys.is_null[row] = !has_all;
      keys.ends[row] = keys.bytes.size();
    }
    return keys;
  });
}

Result<RawValue> RawTable::Value(std::size_t row, std::size_t column) const {
  const auto [array, at] = Find(*impl_->table->column(static_cast<int>(column)), row);
  if (array == nullptr) return InvalidArgument("row {} of {}", row, num_rows());
  return ValueOf(*array, at);
}

Status RawTable::AppendContent(std::size_t row, std::size_t column, std::string& out) const {
  const auto [array, at] = Find(*impl_->table->column(static_cast<int>(column)), row);
  if (array == nullptr) return InvalidArgument("row {} of {}", row, num_rows());
  AppendContentOf(*array, at, out);
  return Ok();
}

}  // namespace sw::data
