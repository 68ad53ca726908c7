#include <algorithm>
#include <set>

#include "feature/definition_parts.h"
#include "feature/expression.h"

namespace sw::feature {
namespace {

constexpr std::size_t kComputedColumnsMax = 1000;

Result<data::Type> TypeAt(const std::string& path, const Json& json) {
  const auto type = json.IsString() ? data::ParseType(json.AsString()) : InvalidArgument("no text");
  if (!type)
    return WrongValueAt(
        path, "a type: \"bool\", \"int64\", \"float64\", \"string\" or \"timestamp\"", json);
  return *type;
}

Status CheckLookupRows(const LookupDef& lookup, const std::string& path) {
  for (const Json& row : lookup.rows.AsArray()) {
    if (!row.IsObject()) return WrongValueAt(path, "an array of tables, a row each", row);
    const Json* key = row.Find(lookup.key);
    if (key == nullptr || key->IsNull())
      return ConfigError(path, "a row has no key \"{}\": {}", lookup.key, row.Dump());
    for (const auto& [name, value] : row.AsObject()) {
      if (name == lookup.key || std::ranges::find(lookup.columns, name) != lookup.columns.end())
        continue;
      return ConfigError(path, "\"{}\" is neither the key \"{}\" nor one of the columns {}", name,
                         lookup.key, fmt::join(lookup.columns, ", "));
    }
  }
  return Ok();
}

Result<LookupDef> ParseLookup(const std::string& name, ConfigTable table) {
  SW_TRY(CheckName(table.path(), name));
  LookupDef lookup;
  lookup.name = name;
  lookup.table = SW_TRY(table.TextOr("table", ""));
  lookup.key = SW_TRY(table.Text("key"));
  lookup.on = SW_TRY(table.TextOr("on", lookup.key));
  lookup.columns = SW_TRY(table.Texts("columns"));
  if (std::ranges::find(lookup.columns, lookup.key) != lookup.columns.end()) {
    return ConfigError(table.PathOf("columns"),
                       "\"{}\" is the key; the source has it as \"{}\" already", lookup.key,
                       lookup.on);
  }
  lookup.rows = Json::MakeArray();
  if (const Json* rows = table.Find("rows")) {
    if (!rows->IsArray())
      return WrongValueAt(table.PathOf("rows"), "an array of tables, a row each", *rows);
    lookup.rows = *rows;
  }
  SW_TRY(table.RefuseOthers());
  SW_TRY(CheckLookupRows(lookup, table.PathOf("rows")));
  if (lookup.table.empty() && lookup.rows.size() == 0) {
    return ConfigError(table.path(), "has neither a table nor rows; give one of the two");
  }
  return lookup;
}

// Computed columns so that each stands after those that it reads. TOML's tables have no order that
// every reader keeps; where the written one serves, it stays.
Result<std::vector<ComputedColumn>> InOrder(std::vector<ComputedColumn> written,
                                            const std::string& path) {
  std::vector<std::vector<std::string>> reads;
  std::set<std::string> waiting;
  for (const ComputedColumn& column : written) {
    auto columns = ParseColumns(column.expression);
    if (!columns) return ConfigError(path + "." + column.name, "{}", columns.error().message);
    if (std::ranges::find(*columns, column.name) != columns->end()) {
      return ConfigError(path + "." + column.name,
                         "reads itself; give the new column another name");
    }
    reads.push_back(*std::move(columns));
    waiting.insert(column.name);
  }
  std::vector<ComputedColumn> ordered;
  std::vector<std::size_t> left(written.size());
  for (std::size_t i = 0; i < left.size(); ++i) left[i] = i;
  while (!left.empty()) {
    const auto is_ready = [&](std::size_t i) {
      return std::ranges::none_of(reads[i],
                                  [&](const std::string& name) { return waiting.contains(name); });
    };
    const auto next = std::ranges::find_if(left, is_ready);
    if (next == left.end()) {
      std::vector<std::string> names;
      for (const std::size_t i : left) names.push_back(written[i].name);
      return ConfigError(path, "these columns read each other in a circle: {}",
                         fmt::join(names, ", "));
    }
    waiting.erase(written[*next].name);
    ordered.push_back(std::move(written[*next]));
    left.erase(next);
  }
  return ordered;
}

Result<std::vector<ComputedColumn>> ParseColumnsOf(ConfigTable& table) {
  std::vector<ComputedColumn> columns;
  for (const auto& [name, expression] : SW_TRY(table.MembersOrNone("columns"))) {
    const std::string path = table.PathOf("columns") + "." + name;
    SW_TRY(CheckName(path, name));
    if (!expression.IsString()) return WrongValueAt(path, "an expression in quotes", expression);
    columns.push_back({name, expression.AsString()});
    if (columns.size() > kComputedColumnsMax) {
      return ConfigError(table.PathOf("columns"), "has more columns than the limit, which is {}",
                         kComputedColumnsMax);
    }
  }
  return InOrder(std::move(columns), table.PathOf("columns"));
}

Status CheckTimes(const SourceDef& source, const ConfigTable& table) {
  if (!source.is_static) {
    if (source.event_time.empty()) {
      return ConfigError(table.PathOf("event_time"),
                         "is missing; name the column of a row's time, or write static = true");
    }
    return Ok();
  }
  if (source.event_time.empty() && source.created_time.empty() && source.delay == 0) return Ok();
  return ConfigError(
      table.PathOf("static"),
      "a static source is always visible: it has no event_time, created_time or delay");
}

// Each name may come from one place only.
Status CheckDistinct(const SourceDef& source, const ConfigTable& table) {
  std::set<std::string> names;
  for (const LookupDef& lookup : source.lookups) {
    for (const std::string& name : lookup.columns) {
      if (names.insert(name).second) continue;
      return ConfigError(fmt::format("{}.lookup.{}.columns", table.path(), lookup.name),
                         "\"{}\" comes from another lookup", name);
    }
  }
  for (const ComputedColumn& column : source.columns) {
    if (names.insert(column.name).second) continue;
    return ConfigError(fmt::format("{}.columns.{}", table.path(), column.name),
                       "a lookup has a column of this name");
  }
  return Ok();
}

}  // namespace

Result<std::vector<data::Field>> ParseFields(ConfigTable& table, std::string_view key) {
  const Json* found = SW_TRY(table.Any(key));
  if (!found->IsObject() || found->size() == 0) {
    return WrongValueAt(table.PathOf(key), "names with types, such as { origin = \"string\" }",
                        *found);
  }
  std::vector<data::Field> fields;
  for (const auto& [name, type] : found->AsObject()) {
    const std::string path = fmt::format("{}.{}", table.PathOf(key), name);
    if (name.empty()) return ConfigError(path, "a name is empty");
    fields.push_back({.name = name, .type = SW_TRY(TypeAt(path, type))});
  }
  return fields;
}

Result<SourceDef> ParseSource(const std::string& name, ConfigTable table) {
  SW_TRY(CheckName(table.path(), name));
  SourceDef source;
  source.name = name;
  source.table = SW_TRY(table.TextOr("table", ""));
  source.null_values = SW_TRY(table.TextsOrNone("null_values"));
  for (const auto& [column, type] : SW_TRY(table.MembersOrNone("types"))) {
    source.types[column] =
        SW_TRY(TypeAt(fmt::format("{}.{}", table.PathOf("types"), column), type));
  }
  for (const auto& [lookup, json] : SW_TRY(table.MembersOrNone("lookup"))) {
    const std::string path = fmt::format("{}.{}", table.PathOf("lookup"), lookup);
    source.lookups.push_back(SW_TRY(ParseLookup(lookup, SW_TRY(ConfigTable::Of(json, path)))));
  }
  source.columns = SW_TRY(ParseColumnsOf(table));
  source.where = SW_TRY(table.TextOr("where", ""));
  source.is_static = SW_TRY(table.BoolOr("static", false));
  source.event_time = SW_TRY(table.TextOr("event_time", ""));
  source.created_time = SW_TRY(table.TextOr("created_time", ""));
  source.delay = SW_TRY(table.DurationOr("delay", 0));
  source.dedupe = SW_TRY(table.TextsOrNone("dedupe"));
  SW_TRY(table.RefuseOthers());
  if (!source.where.empty()) {
    if (const auto columns = ParseColumns(source.where); !columns)
      return ConfigError(table.PathOf("where"), "{}", columns.error().message);
  }
  SW_TRY(CheckTimes(source, table));
  SW_TRY(CheckDistinct(source, table));
  return source;
}

}  // namespace sw::feature
