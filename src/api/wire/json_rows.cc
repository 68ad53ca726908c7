#include "api/wire/json_rows.h"

#include <optional>
#include <unordered_map>

#include "base/clock.h"
#include "base/errors.h"

namespace sw::wire {
namespace {

Result<data::Type> TypeOf(const Json& value) {
  if (value.IsBool()) return data::Type::kBool;
  if (value.IsInt()) return data::Type::kInt64;
  if (value.IsDouble()) return data::Type::kFloat64;
  if (!value.IsString())
    return InvalidArgument("expected a plain value, found {}", value.TypeName());
  return base::ParseTime(value.AsString()) ? data::Type::kTimestamp : data::Type::kString;
}

Result<data::Type> Widened(data::Type a, data::Type b) {
  using data::Type;
  auto either = [&](Type x, Type y) { return (a == x && b == y) || (a == y && b == x); };
  if (a == b) return a;
  if (either(Type::kInt64, Type::kFloat64)) return Type::kFloat64;
  if (either(Type::kTimestamp, Type::kString)) return Type::kString;
  return InvalidArgument("both {} and {} occur", data::TypeName(a), data::TypeName(b));
}

// Names and types of the columns, by what the rows hold.
Result<data::Schema> InferSchema(const Json::Array& rows, const TypeHints& hints) {
  std::vector<std::string> names;
  std::vector<std::optional<data::Type>> types;  // none: only nulls so far
  std::unordered_map<std::string_view, std::size_t> index;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (!rows[row].IsObject())
      return InvalidArgument("rows[{}]: expected an object, found {}", row, rows[row].TypeName());
    for (const auto& [name, value] : rows[row].AsObject()) {
      const auto [found, is_new] = index.try_emplace(name, types.size());
      if (is_new) {
        if (types.size() == kColumnsMax)
          return ResourceExhausted("more than {} columns (limit columns_max)", kColumnsMax);
        names.push_back(name);
        const auto hint = hints.find(name);
        types.push_back(hint == hints.end() ? std::nullopt : std::optional(hint->second));
      }
      if (value.IsNull() || hints.contains(name)) continue;
      std::optional<data::Type>& known = types[found->second];
      Result<data::Type> type = TypeOf(value);
      if (type && known) type = Widened(*known, *type);
      if (!type) return InvalidArgument("rows[{}].{}: {}", row, name, type.error().message);
      known = *type;
    }
  }
  data::Schema schema;
  for (std::size_t i = 0; i < names.size(); ++i) {
    schema.fields.push_back({names[i], types[i].value_or(data::Type::kString)});
  }
  return schema;
}

}  // namespace

Result<data::Batch> BatchFromRows(const Json& rows, const TypeHints& hints) {
  if (!rows.IsArray())
    return InvalidArgument("rows: expected an array of objects, found {}", rows.TypeName());
  const Json::Array& items = rows.AsArray();
  if (items.empty()) return InvalidArgument("rows: expected at least one row");
  if (items.size() > kRowsMax) {
    return ResourceExhausted("rows: {} of them, the limit rows_per_request_max is {}", items.size(),
                             kRowsMax);
  }
  data::Batch batch(SW_TRY(InferSchema(items, hints)));
  for (std::size_t row = 0; row < items.size(); ++row) {
    for (std::size_t i = 0; i < batch.num_columns(); ++i) {
      const std::string& name = batch.schema().fields[i].name;
      const Json* value = items[row].Find(name);
      if (value == nullptr) {
        batch.column(i).AppendNull();
        continue;
      }
      const Status appended = batch.column(i).AppendJson(*value);
      if (!appended) return InvalidArgument("rows[{}].{}: {}", row, name, appended.error().message);
    }
  }
  if (batch.num_columns() == 0) return InvalidArgument("rows: they have no columns");
  return batch;
}

Json RowsFromBatch(const data::Batch& batch) {
  Json rows = Json::MakeArray();
  for (std::size_t row = 0; row < batch.num_rows(); ++row) {
    Json out = Json::MakeObject();
    for (std::size_t i = 0; i < batch.num_columns(); ++i) {
      out.AsObject().emplace_back(batch.schema().fields[i].name, batch.column(i).ToJson(row));
    }
    rows.Append(std::move(out));
  }
  return rows;
}

}  // namespace sw::wire
