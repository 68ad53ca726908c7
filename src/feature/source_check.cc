#include <string>

#include "base/errors.h"
#include "feature/config_table.h"
#include "feature/expression.h"
#include "feature/source.h"

namespace sw::feature {
namespace {

using data::Schema;
using data::Type;

// The column's type; `path` is the key that names it.
Result<Type> TypeOfColumn(const Schema& schema, const std::string& name, const SourceDef& source,
                          const std::string& path) {
  const auto index = schema.Index(name, "source " + source.name);
  if (!index) return ConfigError(path, "{}", index.error().message);
  return schema.fields[*index].type;
}

Status CheckIsTime(const Schema& schema, const std::string& name, const SourceDef& source,
                   const std::string& path) {
  const Type type = SW_TRY(TypeOfColumn(schema, name, source, path));
  if (type == Type::kTimestamp) return Ok();
  return ConfigError(path, "expected a column of timestamps, found \"{}\" ({})", name,
                     data::TypeName(type));
}

Status CheckView(const ViewDef& view, const EntityDef& entity, const SourceDef& source,
                 const Schema& schema) {
  const std::string path = "view." + view.name;
  for (const data::Field& key : entity.keys) {
    const Type type = SW_TRY(TypeOfColumn(schema, key.name, source, path + ".entity"));
    if (type == key.type) continue;
    return ConfigError(
        path + ".entity",
        "key \"{}\" is {} in entity {}, but {} in source {}; declare it in source.{}.types",
        key.name, data::TypeName(key.type), entity.name, data::TypeName(type), source.name,
        source.name);
  }
  for (const FeatureDef& feature : view.features) {
    const std::string key = fmt::format("{}.features.{}.agg", path, feature.name);
    for (const TermDef& term : feature.Terms()) {
      if (term.column == "*") continue;
      const Type type = SW_TRY(TypeOfColumn(schema, term.column, source, key));
      const auto made = TermType({.aggregate = term.aggregate}, type);
      if (!made) return ConfigError(key, "{}", made.error().message);
    }
  }
  return Ok();
}

Result<Type> TypeOfExpression(const std::string& text, const Schema& schema,
                              const std::string& path) {
  const auto expression = Expression::Compile(text, schema);
  if (!expression) return ConfigError(path, "{}", expression.error().message);
  return expression->type();
}

Status CheckTrainingSet(const TrainingSetDef& set, const SourceDef& source, const Schema& schema) {
  const std::string path = "training_set." + set.name;
  SW_TRY(CheckIsTime(schema, set.moment, source, path + ".moment"));
  if (!set.label_time.empty())
    SW_TRY(CheckIsTime(schema, set.label_time, source, path + ".label_time"));
  const Type label = SW_TRY(TypeOfExpression(set.label, schema, path + ".label"));
  if (label == Type::kString || label == Type::kTimestamp) {
    return ConfigError(path + ".label", "expected a bool or a number, found {}",
                       data::TypeName(label));
  }
  if (!set.id.empty()) SW_TRY(TypeOfExpression(set.id, schema, path + ".id"));
  for (const std::string& slice : set.slices)
    SW_TRY(TypeOfColumn(schema, slice, source, path + ".slices"));
  return Ok();
}

}  // namespace

Status CheckColumns(const Definitions& defined, const SourceDef& source, const Schema& derived) {
  for (const auto& [name, view] : defined.views) {
    if (view.source != source.name) continue;
    SW_TRY(CheckView(view, *SW_TRY(defined.Entity(view.entity)), source, derived));
  }
  for (const auto& [name, set] : defined.training_sets) {
    if (set.source == source.name) SW_TRY(CheckTrainingSet(set, source, derived));
  }
  return Ok();
}

Status CheckTable(const Definitions& defined, const SourceDef& source, const std::string& tables_folder) {
  const data::Batch raw = SW_TRY(ReadSourceTable(source, tables_folder));
  const LookupTables lookups = SW_TRY(LoadLookups(source, tables_folder));
  return CheckColumns(defined, source, SW_TRY(DeriveSchema(source, raw.schema(), lookups)));
}

Status CheckTables(const Definitions& defined, const std::string& tables_folder) {
  for (const auto& [name, source] : defined.sources) {
    if (!source.table.empty()) SW_TRY(CheckTable(defined, source, tables_folder));
  }
  return Ok();
}

}  // namespace sw::feature
