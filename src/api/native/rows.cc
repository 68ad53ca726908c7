#include "api/native/rows.h"

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_map>

#include "base/clock.h"
#include "base/errors.h"
#include "feature/conform.h"

namespace sw::native {
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

data::Schema SchemaOf(const TypeHints& hints) {
  data::Schema schema;
  for (const auto& [name, type] : hints) schema.fields.push_back({name, type});
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

bool IsEncodedBatch(const net::Request& request) {
  return request.headers.Get("Content-Type") == kBatchContentType;
}

Result<data::Batch> RowsOf(const net::Request& request, const Json& body, const TypeHints& hints) {
  if (IsEncodedBatch(request)) {
    Result<data::Batch> batch = data::DecodeBatch(request.body);
    if (!batch) return std::unexpected(std::move(batch).error().Within("request body"));
    return feature::ConformToKnown(*std::move(batch), SchemaOf(hints));
  }
  const Json* rows = body.Find("rows");
  if (rows == nullptr) return InvalidArgument("rows: expected an array of objects, found nothing");
  return BatchFromRows(*rows, hints);
}

Status CheckPushedColumns(const feature::Definitions& defined, const feature::SourceDef& source, const data::Schema& rows,
                          bool absent_is_null) {
  std::set<std::string> wanted, made;
  for (const auto& [name, view] : defined.views) {
    if (view.source != source.name) continue;
    for (const data::Field& key : SW_TRY(defined.Entity(view.entity))->keys) wanted.insert(key.name);
    for (const feature::FeatureDef& feature : view.features) {
      if (feature.column != "*") wanted.insert(feature.column);
    }
  }
  for (const feature::ComputedColumn& column : source.columns) made.insert(column.name);
  for (const feature::LookupDef& lookup : source.lookups) made.insert(lookup.columns.begin(), lookup.columns.end());
  for (const std::string& name : wanted) {
    if (made.contains(name) || rows.Find(name)) continue;
    std::vector<std::string> others;  // columns that nothing else explains
    for (const data::Field& field : rows.fields) {
      if (!wanted.contains(field.name)) others.push_back(field.name);
    }
    if (absent_is_null && data::NearMisses(name, others).empty()) continue;
    SW_TRY(rows.Index(name, "the rows for source " + source.name));
  }
  return Ok();
}

Result<data::Schema> RequestSchema(const feature::Definitions& defined,
                                   const std::string& service) {
  data::Schema schema;
  auto add = [&](const std::vector<data::Field>& fields) {
    for (const data::Field& field : fields) {
      if (!schema.Find(field.name)) schema.fields.push_back(field);
    }
  };
  const feature::ServiceDef* found = SW_TRY(defined.Service(service));
  for (const std::string& feature : found->features) {
    const std::string group = feature.substr(0, feature.find('.'));
    if (const auto request = defined.requests.find(group); request != defined.requests.end()) {
      add(request->second.inputs);
    } else {
      const feature::ViewDef* view = SW_TRY(defined.View(group));
      // A key may be unknown (an aircraft without a tail number): then its features are null.
      std::vector<data::Field> keys = SW_TRY(defined.Entity(view->entity))->keys;
      for (data::Field& key : keys) key.nullable = true;
      add(keys);
    }
  }
  return schema;
}

TypeHints HintsOf(const data::Schema& schema) {
  TypeHints hints;
  for (const data::Field& field : schema.fields) hints.emplace(field.name, field.type);
  return hints;
}

}  // namespace sw::native
