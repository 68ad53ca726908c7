#include "data/arrow_table.h"

#include <arrow/api.h>
#include <arrow/util/bit_util.h>

#include <set>
#include <span>
#include <utility>

#include "base/clock.h"
#include "base/errors.h"

namespace sw::data {
namespace {

using arrow::internal::checked_cast;

bool IsTime(arrow::Type::type id) {
  return id == arrow::Type::TIMESTAMP || id == arrow::Type::DATE32 || id == arrow::Type::DATE64;
}

Result<Type> TypeFromArrow(const arrow::DataType& type, std::string_view column) {
  const auto id = type.id();
  if (id == arrow::Type::DICTIONARY) {
    return TypeFromArrow(*checked_cast<const arrow::DictionaryType&>(type).value_type(), column);
  }
  if (id == arrow::Type::BOOL) return Type::kBool;
  if (arrow::is_integer(id)) return Type::kInt64;
  if (arrow::is_floating(id) || arrow::is_decimal(id)) return Type::kFloat64;
  if (IsTime(id)) return Type::kTimestamp;
  if (arrow::is_nested(id) || id == arrow::Type::EXTENSION) {
    return InvalidArgument("column \"{}\" is of the nested type {}; flatten it, or leave it out", column,
                           type.ToString());
  }
  return Type::kString;
}

// Microseconds a unit, or units a microsecond as a negative number.
std::int64_t UnitUs(const arrow::DataType& type) {
  if (type.id() == arrow::Type::DATE32) return base::kDayUs;
  if (type.id() == arrow::Type::DATE64) return base::kMillisecondUs;
  switch (checked_cast<const arrow::TimestampType&>(type).unit()) {
    case arrow::TimeUnit::SECOND: return base::kSecondUs;
    case arrow::TimeUnit::MILLI: return base::kMillisecondUs;
    case arrow::TimeUnit::MICRO: return 1;
    case arrow::TimeUnit::NANO: return -1000;
  }
  return 1;
}

// Appends the values of `array` (Array has Value(row)) as `append` takes them.
template <typename ArrayType, typename Append>
Status AppendEach(const arrow::Array& array, Column& column, Append append) {
  const auto& typed = checked_cast<const ArrayType&>(array);
  for (std::int64_t row = 0; row < typed.length(); ++row) {
    if (typed.IsNull(row)) {
      column.AppendNull();
    } else {
      SW_TRY(append(typed.Value(row)));
    }
  }
  return Ok();
}

// Numbers that need no conversion, all at once; an array with nulls in runs between them.
template <typename ArrayType, typename Append>
void AppendRuns(const arrow::Array& array, Column& column, Append append) {
  const auto& typed = checked_cast<const ArrayType&>(array);
  const std::span values(typed.raw_values(), static_cast<std::size_t>(typed.length()));
  if (typed.null_count() == 0) return append(values);
  const std::uint8_t* const valid = typed.null_bitmap_data();
  const auto is_valid = [&](std::size_t row) { return arrow::bit_util::GetBit(valid, typed.offset() + static_cast<std::int64_t>(row)); };
  AppendBetweenNulls(values.size(), column, is_valid, [&](std::size_t row, std::size_t count) { append(values.subspan(row, count)); });
}

template <typename ArrayType>
Status AppendInts(const arrow::Array& array, Column& column) {
  return AppendEach<ArrayType>(array, column, [&](auto value) -> Status {
    if (!std::in_range<std::int64_t>(value)) {
      return InvalidArgument("{} does not fit int64; write the column as float64 or text", value);
    }
    column.AppendInt(static_cast<std::int64_t>(value));
    return Ok();
  });
}

template <typename ArrayType>
Status AppendTimes(const arrow::Array& array, Column& column) {
  const std::int64_t unit = UnitUs(*array.type());
  return AppendEach<ArrayType>(array, column, [&](auto value) -> Status {
    std::int64_t time = value;
    if (unit < 0) {
      time = value / -unit - (value % -unit < 0 ? 1 : 0);  // the microsecond that it lies in
    } else if (__builtin_mul_overflow(time, unit, &time)) {
      return InvalidArgument("time {} is out of range", value);
    }
    column.AppendInt(time);
    return Ok();
  });
}

template <typename ArrayType>
Status AppendDoubles(const arrow::Array& array, Column& column) {
  return AppendEach<ArrayType>(array, column, [&](auto value) -> Status {
    column.AppendDouble(static_cast<double>(value));
    return Ok();
  });
}

template <typename ArrayType>
Status AppendStrings(const arrow::Array& array, Column& column) {
  const auto& typed = checked_cast<const ArrayType&>(array);
  for (std::int64_t row = 0; row < typed.length(); ++row) {
    if (typed.IsNull(row)) {
      column.AppendNull();
    } else {
      column.AppendString(typed.GetView(row));
    }
  }
  return Ok();
}

// Goes through text: for the types that are too rare to deserve code.
Status AppendPrinted(const arrow::Array& array, Column& column) {
  for (std::int64_t row = 0; row < array.length(); ++row) {
    if (array.IsNull(row)) {
      column.AppendNull();
      continue;
    }
    const auto scalar = array.GetScalar(row);
    if (!scalar.ok()) return FromArrow(scalar.status());
    SW_TRY(column.AppendText((*scalar)->ToString()));
  }
  return Ok();
}

Status AppendArray(const arrow::Array& array, Column& column);

Status AppendDictionary(const arrow::Array& array, Column& column) {
  const auto& typed = checked_cast<const arrow::DictionaryArray&>(array);
  Column words(column.type());
  SW_TRY(AppendArray(*typed.dictionary(), words));
  for (std::int64_t row = 0; row < typed.length(); ++row) {
    if (typed.IsNull(row)) {
      column.AppendNull();
    } else {
      column.AppendFrom(words, static_cast<std::size_t>(typed.GetValueIndex(row)));
    }
  }
  return Ok();
}

Status AppendArray(const arrow::Array& array, Column& column) {
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      return AppendEach<arrow::BooleanArray>(array, column, [&](bool value) -> Status {
        column.AppendBool(value);
        return Ok();
      });
    case arrow::Type::INT8: return AppendInts<arrow::Int8Array>(array, column);
    case arrow::Type::INT16: return AppendInts<arrow::Int16Array>(array, column);
    case arrow::Type::INT32: return AppendInts<arrow::Int32Array>(array, column);
    case arrow::Type::INT64:
      AppendRuns<arrow::Int64Array>(array, column, [&](std::span<const std::int64_t> values) { column.AppendInts(values); });
      return Ok();
    case arrow::Type::UINT8: return AppendInts<arrow::UInt8Array>(array, column);
    case arrow::Type::UINT16: return AppendInts<arrow::UInt16Array>(array, column);
    case arrow::Type::UINT32: return AppendInts<arrow::UInt32Array>(array, column);
    case arrow::Type::UINT64: return AppendInts<arrow::UInt64Array>(array, column);
    case arrow::Type::FLOAT: return AppendDoubles<arrow::FloatArray>(array, column);
    case arrow::Type::DOUBLE:
      AppendRuns<arrow::DoubleArray>(array, column, [&](std::span<const double> values) { column.AppendDoubles(values); });
      return Ok();
    case arrow::Type::DATE32: return AppendTimes<arrow::Date32Array>(array, column);
    case arrow::Type::DATE64: return AppendTimes<arrow::Date64Array>(array, column);
    case arrow::Type::TIMESTAMP: return AppendTimes<arrow::TimestampArray>(array, column);
    case arrow::Type::STRING: return AppendStrings<arrow::StringArray>(array, column);
    case arrow::Type::LARGE_STRING: return AppendStrings<arrow::LargeStringArray>(array, column);
    case arrow::Type::BINARY: return AppendStrings<arrow::BinaryArray>(array, column);
    case arrow::Type::LARGE_BINARY: return AppendStrings<arrow::LargeBinaryArray>(array, column);
    case arrow::Type::DICTIONARY: return AppendDictionary(array, column);
    default: return AppendPrinted(array, column);
  }
}

Result<std::shared_ptr<arrow::Buffer>> NullBits(const Column& column) {
  if (column.null_count() == 0) return nullptr;
  auto bits = arrow::AllocateEmptyBitmap(static_cast<std::int64_t>(column.size()));
  if (!bits.ok()) return FromArrow(bits.status());
  std::uint8_t* bytes = (*bits)->mutable_data();
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (!column.IsNull(row)) bytes[row / 8] = static_cast<std::uint8_t>(bytes[row / 8] | (1u << (row % 8)));
  }
  return *std::move(bits);
}

Result<std::shared_ptr<arrow::Array>> BoolArray(const Column& column) {
  arrow::BooleanBuilder builder;
  arrow::Status status = builder.Reserve(static_cast<std::int64_t>(column.size()));
  for (std::size_t row = 0; status.ok() && row < column.size(); ++row) {
    status = column.IsNull(row) ? builder.AppendNull() : builder.Append(column.Int(row) != 0);
  }
  std::shared_ptr<arrow::Array> array;
  if (status.ok()) status = builder.Finish(&array);
  if (!status.ok()) return FromArrow(status);
  return array;
}

// A column's texts follow each other in memory.
Result<std::shared_ptr<arrow::Array>> TextArray(const Column& column) {
  const auto length = static_cast<std::int64_t>(column.size());
  auto offsets = arrow::AllocateBuffer((length + 1) * static_cast<std::int64_t>(sizeof(std::int64_t)));
  if (!offsets.ok()) return FromArrow(offsets.status());
  auto* const ends = (*offsets)->mutable_data_as<std::int64_t>();
  ends[0] = 0;
  for (std::size_t row = 0; row < column.size(); ++row) ends[row + 1] = ends[row] + static_cast<std::int64_t>(column.String(row).size());
  const char* const first = length == 0 ? "" : column.String(0).data();
  const auto texts = arrow::Buffer::Wrap(first, static_cast<std::size_t>(ends[length]));
  const auto nulls = SW_TRY(NullBits(column));
  return arrow::MakeArray(arrow::ArrayData::Make(arrow::large_utf8(), length, {nulls, std::shared_ptr<arrow::Buffer>(*std::move(offsets)), texts}));
}

std::shared_ptr<arrow::DataType> ArrowType(Type type) {
  switch (type) {
    case Type::kBool: return arrow::boolean();
    case Type::kInt64: return arrow::int64();
    case Type::kFloat64: return arrow::float64();
    case Type::kString: return arrow::large_utf8();
    case Type::kTimestamp: return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  }
  return arrow::null();
}

Result<std::shared_ptr<arrow::Array>> ArrayFromColumn(const Column& column) {
  if (column.type() == Type::kBool) return BoolArray(column);
  if (column.type() == Type::kString) return TextArray(column);
  const auto values = column.type() == Type::kFloat64
                          ? arrow::Buffer::Wrap(column.doubles().data(), column.size())
                          : arrow::Buffer::Wrap(column.ints().data(), column.size());
  const auto length = static_cast<std::int64_t>(column.size());
  const auto nulls = SW_TRY(NullBits(column));
  return arrow::MakeArray(arrow::ArrayData::Make(ArrowType(column.type()), length, {nulls, values}));
}

}  // namespace

std::unexpected<Error> FromArrow(const arrow::Status& status) {
  if (status.IsOutOfMemory() || status.IsCapacityError()) return ResourceExhausted("{}", status.message());
  return InvalidArgument("{}", status.message());
}

Result<Schema> SchemaFromArrow(const arrow::Schema& schema) {
  Schema ours;
  std::set<std::string> names;
  for (const auto& field : schema.fields()) {
    if (!names.insert(field->name()).second) {
      return InvalidArgument("column \"{}\" occurs twice; rename one", field->name());
    }
    const Type type = SW_TRY(TypeFromArrow(*field->type(), field->name()));
    ours.fields.push_back({field->name(), type, field->nullable()});
  }
  return ours;
}

Result<std::vector<int>> IndicesOf(const arrow::Schema& schema, const std::vector<std::string>& columns,
                                   const std::string& table) {
  Schema names;
  for (const auto& field : schema.fields()) names.fields.push_back({.name = field->name()});
  std::vector<int> indices;
  for (const std::string& column : columns) indices.push_back(static_cast<int>(SW_TRY(names.Index(column, table))));
  if (!columns.empty()) return indices;
  for (int i = 0; i < schema.num_fields(); ++i) indices.push_back(i);
  return indices;
}

Result<Batch> BatchFromArrow(const arrow::Table& table) {
  const arrow::Status valid = table.ValidateFull();
  if (!valid.ok()) return FromArrow(valid);
  Batch batch(SW_TRY(SchemaFromArrow(*table.schema())));
  batch.Reserve(static_cast<std::size_t>(table.num_rows()));
  for (int i = 0; i < table.num_columns(); ++i) {
    for (const auto& chunk : table.column(i)->chunks()) {
      const Status status = AppendArray(*chunk, batch.column(static_cast<std::size_t>(i)));
      if (!status) return std::unexpected(Error(status.error()).Within(fmt::format("column \"{}\"", table.field(i)->name())));
    }
  }
  return batch;
}

Result<Batch> BatchFromArrow(const arrow::RecordBatch& rows) {
  arrow::ChunkedArrayVector columns;
  for (const auto& column : rows.columns()) columns.push_back(std::make_shared<arrow::ChunkedArray>(column));
  return BatchFromArrow(*arrow::Table::Make(rows.schema(), std::move(columns), rows.num_rows()));
}

Result<std::shared_ptr<arrow::RecordBatch>> RowsFromBatch(const Batch& batch) {
  SW_TRY(batch.Check());
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (std::size_t i = 0; i < batch.num_columns(); ++i) {
    const Field& field = batch.schema().fields[i];
    const bool nullable = field.nullable || batch.column(i).null_count() > 0;
    fields.push_back(arrow::field(field.name, ArrowType(field.type), nullable));
    arrays.push_back(SW_TRY(ArrayFromColumn(batch.column(i))));
  }
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), static_cast<std::int64_t>(batch.num_rows()), std::move(arrays));
}

Result<std::shared_ptr<arrow::Table>> TableFromBatch(const Batch& batch) {
  const auto table = arrow::Table::FromRecordBatches({SW_TRY(RowsFromBatch(batch))});
  if (!table.ok()) return FromArrow(table.status());
  return *table;
}

}  // namespace sw::data
