#include "store/log_rows.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/errors.h"

namespace sw::store {
namespace {

using data::Batch;
using data::Column;
using data::Field;
using data::Type;

constexpr std::array<std::string_view, 6> kReserved = {"_offset",   "_event_time", "_id",
                                                       "_producer", "_sequence",   "_erased"};

int NumericRank(Type type) {
  switch (type) {
    case Type::kBool: return 0;
    case Type::kInt64: return 1;
    case Type::kFloat64: return 2;
    default: return -1;
  }
}

void AppendWidenedValue(const Column& from, std::size_t row, Column& into) {
  if (from.IsNull(row)) {
    into.AppendNull();
  } else if (into.type() == Type::kString) {
    into.AppendString(from.ToText(row));
  } else if (into.type() == Type::kFloat64) {
    into.AppendDouble(from.AsDouble(row));
  } else {
    into.AppendInt(from.Int(row));
  }
}

Status AppendColumn(const Column* from, std::size_t begin, std::size_t count, const Field& field,
                    Column& into) {
  if (from == nullptr) {
    for (std::size_t i = 0; i < count; ++i) into.AppendNull();
    return Ok();
  }
  if (from->type() == field.type) {
    into.AppendRange(*from, begin, count);
    return Ok();
  }
  if (WidenType(from->type(), field.type) != field.type) {
    return InvalidArgument("column {} holds {} and was asked for as {}; ask for {} or string", field.name,
                           data::TypeName(from->type()), data::TypeName(field.type),
                           data::TypeName(from->type()));
  }
  for (std::size_t i = 0; i < count; ++i) AppendWidenedValue(*from, begin + i, into);
  return Ok();
}

}  // namespace

bool IsReservedColumn(std::string_view name) {
  return std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end();
}

Type WidenType(Type a, Type b) {
  if (a == b) return a;
  if (NumericRank(a) < 0 || NumericRank(b) < 0) return Type::kString;
  return NumericRank(a) > NumericRank(b) ? a : b;
}

std::vector<Field> UnionFields(const std::vector<const Batch*>& batches) {
  std::vector<Field> fields;
  std::map<std::string, std::size_t, std::less<>> index;
  for (const Batch* batch : batches) {
    for (const Field& field : batch->schema().fields) {
      if (IsReservedColumn(field.name)) continue;
      auto [it, added] = index.try_emplace(field.name, fields.size());
      if (added) {
        fields.push_back({field.name, field.type, true});
      } else {
        Field& known = fields[it->second];
        known.type = WidenType(known.type, field.type);
      }
    }
  }
  return fields;
}

bool SameTypes(const std::vector<Field>& fields, const Batch& more) {
  return std::all_of(fields.begin(), fields.end(), [&](const Field& field) {
    const Column* column = more.Find(field.name);
    return column == nullptr || column->type() == field.type;
  });
}

Status AppendWidened(const Batch& from, std::size_t begin, std::size_t count, const std::vector<Field>& fields,
                     Batch& into) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    SW_TRY(AppendColumn(from.Find(fields[i].name), begin, count, fields[i], into.column(i)));
  }
  return Ok();
}

Status CheckRows(const LogRows& rows) {
  const std::size_t count = rows.num_rows();
  if (count == 0) return InvalidArgument("append without rows; send at least one");
  const bool has_columns = rows.columns.num_columns() > 0;
  if (rows.id.size() != count || (has_columns && rows.columns.num_rows() != count)) {
    return InvalidArgument("append of {} times, {} ids and {} rows of columns; send one of each a row", count,
                           rows.id.size(), rows.columns.num_rows());
  }
  SW_TRY(rows.columns.Check());
  std::set<std::string_view> seen;
  for (const Field& field : rows.columns.schema().fields) {
    if (field.name.empty() || IsReservedColumn(field.name)) {
      return InvalidArgument("column name \"{}\" is kept for the logbook; rename the column", field.name);
    }
    if (!seen.insert(field.name).second) {
      return InvalidArgument("column {} appears twice; rename one", field.name);
    }
  }
  return Ok();
}

}  // namespace sw::store
