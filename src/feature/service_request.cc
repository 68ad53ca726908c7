#include "feature/service_request.h"

#include "base/errors.h"

namespace sw::feature {
namespace {

void Add(const std::vector<data::Field>& fields, data::Schema& schema) {
  for (const data::Field& field : fields) {
    if (!schema.Find(field.name)) schema.fields.push_back(field);
  }
}

Status AppendValue(const Json& value, data::Column& column) {
  const bool is_text_of_a_number = value.IsString() && (column.type() == data::Type::kInt64 || column.type() == data::Type::kFloat64);
  if (is_text_of_a_number && !value.AsString().empty()) return column.AppendText(value.AsString());
  return column.AppendJson(value);
}

}  // namespace

Result<RequestParts> PartsOfRequest(const Definitions& defined, std::string_view service) {
  RequestParts parts;
  for (const std::string& feature : SW_TRY(ServiceNamed(defined, service)).features) {
    const std::string group = feature.substr(0, feature.find('.'));
    if (const auto request = defined.requests.find(group); request != defined.requests.end()) {
      Add(request->second.inputs, parts.all);
      Add(request->second.inputs, parts.inputs);
      continue;
    }
    const ViewDef* view = SW_TRY(defined.View(group));
    // A key may be unknown (an aircraft without a tail number): then its features are null.
    std::vector<data::Field> keys = SW_TRY(defined.Entity(view->entity))->keys;
    for (data::Field& key : keys) key.nullable = true;
    Add(keys, parts.all);
    Add(keys, parts.keys);
  }
  return parts;
}

Result<data::Schema> RequestSchema(const Definitions& defined, std::string_view service) { return SW_TRY(PartsOfRequest(defined, service)).all; }

Result<data::Batch> RequestRows(const data::Schema& brings, std::span<const Json> rows) {
  data::Batch batch(brings);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (!rows[row].IsObject()) return InvalidArgument("row {}: expected an object of keys and inputs, found {}", row, rows[row].TypeName());
    for (const auto& [name, value] : rows[row].AsObject()) {
      const auto known = brings.Index(name, "what the service's requests bring");
      if (!known) return InvalidArgument("row {}: {}", row, known.error().message);
    }
    for (std::size_t i = 0; i < batch.num_columns(); ++i) {
      const std::string& name = brings.fields[i].name;
      const Json* const value = rows[row].Find(name);
      if (value == nullptr) {
        batch.column(i).AppendNull();
      } else if (const Status appended = AppendValue(*value, batch.column(i)); !appended) {
        return InvalidArgument("row {}, {}: {}", row, name, appended.error().message);
      }
    }
  }
  return batch;
}

}  // namespace sw::feature
