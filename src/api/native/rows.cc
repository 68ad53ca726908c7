#include "api/native/rows.h"

#include <algorithm>
#include <set>

#include "base/errors.h"
#include "feature/conform.h"

namespace sw::native {
namespace {

data::Schema SchemaOf(const TypeHints& hints) {
  data::Schema schema;
  for (const auto& [name, type] : hints) schema.fields.push_back({name, type});
  return schema;
}

}  // namespace

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

TypeHints HintsOf(const data::Schema& schema) {
  TypeHints hints;
  for (const data::Field& field : schema.fields) hints.emplace(field.name, field.type);
  return hints;
}

}  // namespace sw::native
