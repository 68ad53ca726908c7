#include "serve/request_rows.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/errors.h"

namespace sw::serve {
namespace {

bool HasControlCharacter(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

data::Column Widen(const data::Column& ints) {
  data::Column doubles(data::Type::kFloat64);
  doubles.Reserve(ints.size());
  for (std::size_t row = 0; row < ints.size(); ++row) {
    ints.IsNull(row) ? doubles.AppendNull() : doubles.AppendDouble(static_cast<double>(ints.Int(row)));
  }
  return doubles;
}

Status CheckNulls(const data::Field& field, const data::Column& column) {
  if (field.nullable || column.null_count() == 0) return Ok();
  std::size_t row = 0;
  while (!column.IsNull(row)) ++row;
  return InvalidArgument("row {}: input \"{}\" is null; this endpoint needs a {}", row, field.name,
                         data::TypeName(field.type));
}

}  // namespace

Result<data::Batch> ConformRows(const data::Schema& schema, data::Batch rows, std::size_t& ignored_columns) {
  ignored_columns = 0;
  if (&rows.schema() == &schema) {  // made for it
    for (std::size_t c = 0; c < rows.num_columns(); ++c) SW_TRY(CheckNulls(schema.fields[c], rows.column(c)));
    return rows;
  }
  data::Batch conformed;
  std::size_t used = 0;
  for (const data::Field& field : schema.fields) {
    const auto index = rows.schema().Index(field.name, "the request");
    if (!index) return InvalidArgument("{}", index.error().message);
    data::Column& found = rows.column(*index);
    const bool widens = found.type() == data::Type::kInt64 && field.type == data::Type::kFloat64;
    if (found.type() != field.type && !widens) {
      return InvalidArgument("input \"{}\" is {}; this endpoint needs {}", field.name, data::TypeName(found.type()),
                             data::TypeName(field.type));
    }
    SW_TRY(CheckNulls(field, found));
    conformed.AddColumn(field, widens ? Widen(found) : std::move(found));
    ++used;
  }
  ignored_columns = rows.num_columns() - used;
  return conformed;
}

Status CheckIds(const std::vector<std::string>& ids, std::size_t rows) {
  if (ids.empty()) return Ok();
  if (ids.size() != rows) return InvalidArgument("the request has {} rows and {} ids; give one a row, or none", rows, ids.size());
  std::unordered_set<std::string_view> seen;
  for (std::size_t row = 0; row < ids.size(); ++row) {
    if (ids[row].empty() || ids[row].size() > kIdBytesMax || HasControlCharacter(ids[row])) {
      return InvalidArgument("row {}: an id has 1 to {} bytes without control characters, this one has {}", row,
                             kIdBytesMax, ids[row].size());
    }
    if (!seen.insert(ids[row]).second) return InvalidArgument("row {}: id \"{}\" is another row's too", row, ids[row]);
  }
  return Ok();
}

}  // namespace sw::serve
