#include "feature/source.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/files.h"
#include "data/readers.h"
#include "feature/config_table.h"
#include "feature/expression.h"

namespace sw::feature {
namespace {

using data::Batch;
using data::Column;
using data::Field;
using data::Type;

constexpr std::size_t kShownBytesMax = 60;

std::string PathOf(const SourceDef& source, std::string_view key) {
  return fmt::format("source.{}.{}", source.name, key);
}

// Puts the path in front of the message and keeps the code.
template <typename T>
Result<T> Within(Result<T> result, const std::string& path) {
  if (result) return result;
  return std::unexpected(std::move(result).error().Within(path));
}

// "csv:flights.csv" in "/data" is "csv:/data/flights.csv". What a definition names stays inside of
// the folder, because definitions arrive over the network too.
Result<std::string> Located(const std::string& location, const std::string& folder,
                            const std::string& path) {
  const std::size_t colon = location.find(':');
  const std::size_t start = colon == std::string::npos ? 0 : colon + 1;
  const std::string file = location.substr(start);
  const std::string parts = "/" + file + "/";
  if (file.empty() || file[0] == '/' || parts.find("/../") != std::string::npos) {
    return ConfigError(
        path,
        "expected a file inside of the folder of tables, such as \"csv:flights.csv\", found \"{}\"",
        location);
  }
  return location.substr(0, start) + base::JoinPath(folder, file);
}

data::ReadOptions OptionsOf(const SourceDef& source) {
  data::ReadOptions options;
  if (!source.null_values.empty()) options.null_values = source.null_values;
  return options;
}

Result<Batch> ReadLookupTable(const SourceDef& source, const LookupDef& lookup,
                              const std::string& folder, const std::string& path) {
  const std::string location = SW_TRY(Located(lookup.table, folder, path + ".table"));
  data::ReadOptions options = OptionsOf(source);
  options.columns = lookup.columns;
  options.columns.insert(options.columns.begin(), lookup.key);
  // Keys compare as the source's column does: 007 stays text when that is text.
  if (const auto type = source.types.find(lookup.on); type != source.types.end())
    options.types[lookup.key] = type->second;
  return Within(data::ReadTable(location, options), path);
}

// The type of one member over all rows, for a lookup that has no table to take it from.
Type TypeOfMember(const Json& rows, const std::string& name) {
  std::optional<Type> type;
  for (const Json& row : rows.AsArray()) {
    const Json* value = row.Find(name);
    if (value == nullptr || value->IsNull()) continue;
    const Type found = value->IsBool()     ? Type::kBool
                       : value->IsInt()    ? Type::kInt64
                       : value->IsDouble() ? Type::kFloat64
                                           : Type::kString;
    if (!type || (type == Type::kInt64 && found == Type::kFloat64)) type = found;
  }
  return type.value_or(Type::kString);
}

// The definition's own rows, as a batch of the schema.
Result<Batch> RowsOf(const LookupDef& lookup, const data::Schema& schema, const std::string& path) {
  Batch batch(schema);
  for (const Json& row : lookup.rows.AsArray()) {
    for (std::size_t i = 0; i < schema.fields.size(); ++i) {
      const Json* value = row.Find(schema.fields[i].name);
      const auto status = batch.column(i).AppendJson(value != nullptr ? *value : Json());
      if (!status)
        return ConfigError(path + ".rows", "\"{}\": {}", schema.fields[i].name,
                           status.error().message);
    }
  }
  return batch;
}

data::Schema SchemaOfRows(const LookupDef& lookup) {
  data::Schema schema{{{.name = lookup.key, .type = TypeOfMember(lookup.rows, lookup.key)}}};
  for (const std::string& name : lookup.columns)
    schema.fields.push_back({.name = name, .type = TypeOfMember(lookup.rows, name)});
  return schema;
}

// Adds rows (key first, then columns) to the table; `origin` names them in an error. Keys that an
// earlier call added stay: the definition's own rows come first, and win.
Status AddRows(const Batch& rows, LookupTable& table, const std::string& origin) {
  std::unordered_map<std::string, std::size_t> own;
  for (std::size_t row = 0; row < rows.num_rows(); ++row) {
    if (rows.column(0).IsNull(row)) continue;
    const std::string key = rows.column(0).ToText(row);
    const auto [seen, is_new] = own.emplace(key, row);
    if (!is_new) {
      return InvalidArgument("key \"{}\" comes twice in {} (rows {} and {}); a key names one row",
                             std::string_view(key).substr(0, kShownBytesMax), origin,
                             seen->second + 1, row + 1);
    }
    if (!table.row_of.emplace(key, table.columns.num_rows()).second) continue;
    for (std::size_t i = 0; i < table.columns.num_columns(); ++i)
      table.columns.column(i).AppendFrom(rows.column(i + 1), row);
  }
  return Ok();
}

Result<LookupTable> LoadLookup(const SourceDef& source, const LookupDef& lookup,
                               const std::string& folder) {
  const std::string path = PathOf(source, "lookup." + lookup.name);
  std::optional<Batch> read;
  if (!lookup.table.empty()) {
    const Batch all = SW_TRY(ReadLookupTable(source, lookup, folder, path));
    std::vector<std::string> names = lookup.columns;
    names.insert(names.begin(), lookup.key);
    read = SW_TRY(all.Select(names));
  }
  const data::Schema schema = read ? read->schema() : SchemaOfRows(lookup);
  LookupTable table;
  table.key_type = schema.fields[0].type;
  table.columns = Batch(data::Schema{{schema.fields.begin() + 1, schema.fields.end()}});
  SW_TRY(Within(AddRows(SW_TRY(RowsOf(lookup, schema, path)), table, "rows"), path));
  if (read) SW_TRY(Within(AddRows(*read, table, lookup.table), path));
  return table;
}

Status CheckKeyType(const Column& column, const LookupTable& table, const LookupDef& lookup,
                    const std::string& path) {
  if (column.type() == table.key_type || column.null_count() == column.size()) return Ok();
  return ConfigError(path + ".on",
                     "\"{}\" is {}, the lookup's key \"{}\" is {}; declare one in types", lookup.on,
                     data::TypeName(column.type()), lookup.key, data::TypeName(table.key_type));
}

Status AddNew(Batch& rows, Field field, Column column, const std::string& path) {
  if (rows.Find(field.name) != nullptr) {
    return ConfigError(path, "the table has a column \"{}\" already; choose another name",
                       field.name);
  }
  rows.AddColumn(std::move(field), std::move(column));
  return Ok();
}

Status AddLookup(const SourceDef& source, const LookupDef& lookup, const LookupTables& tables,
                 Batch& rows) {
  const std::string path = PathOf(source, "lookup." + lookup.name);
  const auto found = tables.find(lookup.name);
  if (found == tables.end()) return ConfigError(path, "is not loaded");
  const LookupTable& table = found->second;
  const Column& keys = *SW_TRY(Within(rows.Get(lookup.on, "source " + source.name), path + ".on"));
  SW_TRY(CheckKeyType(keys, table, lookup, path));
  const std::size_t count = rows.num_rows(), none = table.columns.num_rows();
  std::vector<std::size_t> matches(count, none);
  std::string key;
  for (std::size_t row = 0; row < count; ++row) {
    if (keys.IsNull(row)) continue;
    if (keys.type() == Type::kString) {
      key = keys.String(row);
    } else {
      key = keys.ToText(row);
    }
    if (const auto match = table.row_of.find(key); match != table.row_of.end())
      matches[row] = match->second;
  }
  for (std::size_t i = 0; i < table.columns.num_columns(); ++i) {
    const Column& from = table.columns.column(i);
    Column column(from.type());
    column.Reserve(count);
    for (const std::size_t match : matches) {
      if (match == none) {
        column.AppendNull();
      } else {
        column.AppendFrom(from, match);
      }
    }
    SW_TRY(AddNew(rows, {.name = table.columns.schema().fields[i].name, .type = from.type()},
                  std::move(column), path + ".columns"));
  }
  return Ok();
}

Result<Column> Computed(const std::string& expression, const Batch& rows, const std::string& path) {
  const Expression compiled = SW_TRY(Within(Expression::Compile(expression, rows.schema()), path));
  return Within(compiled.Evaluate(rows), path);
}

// Drops the rows for which `where` is false or null.
Status Filter(const SourceDef& source, Batch& rows) {
  if (source.where.empty()) return Ok();
  const Column kept = SW_TRY(Computed(source.where, rows, PathOf(source, "where")));
  if (kept.type() != Type::kBool) {
    return ConfigError(PathOf(source, "where"), "expected a condition (bool), found {}",
                       data::TypeName(kept.type()));
  }
  std::vector<std::size_t> wanted;
  for (std::size_t row = 0; row < kept.size(); ++row) {
    if (!kept.IsNull(row) && kept.Int(row) != 0) wanted.push_back(row);
  }
  if (wanted.size() != rows.num_rows()) rows = rows.Take(wanted);
  return Ok();
}

Result<const Column*> TimeColumn(const SourceDef& source, std::string_view key,
                                 const std::string& name, const Batch& rows) {
  const std::string path = PathOf(source, key);
  const Column* column = SW_TRY(Within(rows.Get(name, "source " + source.name), path));
  if (column->type() == Type::kTimestamp) return column;
  return ConfigError(
      path,
      "expected a column of timestamps, found \"{}\" ({}); compute one in source.{}.columns with "
      "make_timestamp, to_timestamp or cast",
      name, data::TypeName(column->type()), source.name);
}

Status CheckNamedColumns(const SourceDef& source, const Batch& rows) {
  for (const std::string& name : source.dedupe)
    SW_TRY(Within(rows.Get(name, "source " + source.name), PathOf(source, "dedupe")));
  if (!source.created_time.empty())
    SW_TRY(TimeColumn(source, "created_time", source.created_time, rows));
  if (source.is_static) return Ok();
  const Column& times = *SW_TRY(TimeColumn(source, "event_time", source.event_time, rows));
  if (times.null_count() == 0) return Ok();
  std::size_t first = 0;
  while (!times.IsNull(first)) ++first;
  return ConfigError(
      PathOf(source, "event_time"),
      "\"{0}\" is null in {1} of {2} rows (first: row {3}); leave such rows out with "
      "where = \"{0} is not null\"",
      source.event_time, times.null_count(), rows.num_rows(), first);
}

}  // namespace

Result<LookupTables> LoadLookups(const SourceDef& source, const std::string& tables_folder) {
  LookupTables tables;
  for (const LookupDef& lookup : source.lookups) {
    tables.emplace(lookup.name, SW_TRY(LoadLookup(source, lookup, tables_folder)));
  }
  return tables;
}

bool HasTable(const SourceDef& source, const std::string& tables_folder) {
  const auto location = Located(source.table, tables_folder, "");
  return location && base::Exists(location->substr(source.table.find(':') + 1));
}

namespace {

struct TableAt {
  std::string location;
  data::ReadOptions options;
};

Result<TableAt> TableOf(const SourceDef& source, const std::string& tables_folder) {
  const std::string path = PathOf(source, "table");
  if (source.table.empty()) {
    return FailedPrecondition(
        "{}: the source has no table, its rows come by push; add one such as \"csv:{}.csv\"", path,
        source.name);
  }
  TableAt table{SW_TRY(Located(source.table, tables_folder, path)), OptionsOf(source)};
  table.options.types = source.types;
  return table;
}

}  // namespace

Result<Batch> ReadSourceTable(const SourceDef& source, const std::string& tables_folder) {
  const TableAt table = SW_TRY(TableOf(source, tables_folder));
  return Within(data::ReadTable(table.location, table.options), PathOf(source, "table"));
}

Result<std::unique_ptr<data::TableReader>> OpenSourceTable(const SourceDef& source, const std::string& tables_folder,
                                                           const std::vector<std::string>& columns, std::size_t block_rows) {
  TableAt table = SW_TRY(TableOf(source, tables_folder));
  table.options.columns = columns;
  return Within(data::OpenTable(table.location, table.options, block_rows), PathOf(source, "table"));
}

Result<data::Schema> ReadSourceSchema(const SourceDef& source, const std::string& tables_folder) {
  const TableAt table = SW_TRY(TableOf(source, tables_folder));
  return Within(data::ReadSchema(table.location, table.options), PathOf(source, "table"));
}

Result<NarrowSource> Narrow(const SourceDef& source, const data::Schema& raw, std::set<std::string> wanted) {
  NarrowSource narrow{.source = source, .raw_columns = {}};
  wanted.insert(source.dedupe.begin(), source.dedupe.end());
  for (const std::string& time : {source.event_time, source.created_time}) {
    if (!time.empty()) wanted.insert(time);
  }
  if (!source.where.empty()) for (std::string& column : SW_TRY(ParseColumns(source.where))) wanted.insert(std::move(column));
  std::vector<ComputedColumn> columns;
  for (auto each = source.columns.rbegin(); each != source.columns.rend(); ++each) {  // each reads earlier ones
    if (!wanted.contains(each->name)) continue;
    for (std::string& column : SW_TRY(ParseColumns(each->expression))) wanted.insert(std::move(column));
    columns.insert(columns.begin(), *each);
  }
  narrow.source.columns = std::move(columns);
  std::erase_if(narrow.source.lookups, [&](const LookupDef& lookup) {
    return std::ranges::none_of(lookup.columns, [&](const std::string& column) { return wanted.contains(column); });
  });
  for (const LookupDef& lookup : narrow.source.lookups) wanted.insert(lookup.on);
  for (const Field& field : raw.fields) {
    if (wanted.contains(field.name)) narrow.raw_columns.push_back(field.name);
  }
  return narrow;
}

Result<Batch> DeriveRows(const SourceDef& source, Batch rows, const LookupTables& lookups) {
  for (const LookupDef& lookup : source.lookups) SW_TRY(AddLookup(source, lookup, lookups, rows));
  for (const ComputedColumn& each : source.columns) {
    const std::string path = PathOf(source, "columns." + each.name);
    Column column = SW_TRY(Computed(each.expression, rows, path));
    const Type type = column.type();
    SW_TRY(AddNew(rows, {.name = each.name, .type = type}, std::move(column), path));
  }
  SW_TRY(Filter(source, rows));
  SW_TRY(CheckNamedColumns(source, rows));
  return rows;
}

Result<data::Schema> DeriveSchema(const SourceDef& source, const data::Schema& raw,
                                  const LookupTables& lookups) {
  return SW_TRY(DeriveRows(source, Batch(raw), lookups)).schema();
}

}  // namespace sw::feature
