#include "data/readers.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/errors.h"
#include "base/files.h"
#include "data/file_formats.h"

namespace sw::data {
namespace {

constexpr std::pair<std::string_view, Result<Batch> (*)(const std::string&, const ReadOptions&)> kFormats[] = {
    {"csv", ReadCsvFile}, {"parquet", ReadParquetFile}, {"jsonl", ReadJsonLinesFile}, {"arrow", ReadArrowFile}};

// True when `name` has the form of `pattern`, where * stands for any bytes. Goes back only to the
// last *, so that the time is at most the product of the lengths.
bool Matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

Result<Batch> ReadOne(const Location& location, const std::string& path, const ReadOptions& options) {
  if (!base::Exists(path)) return NotFound("no such file: {}", path);
  for (const auto& [format, read] : kFormats) {
    if (format != location.format) continue;
    auto batch = read(path, options);
    if (batch) return batch;
    // A missing column's message names the table already.
    if (batch.error().code == ErrorCode::kNotFound) return batch;
    return std::unexpected(std::move(batch).error().Within(fmt::format("reading {}", path)));
  }
  return Internal("no reader for format {}", location.format);
}

Column AsType(const Column& column, Type type) {
  Column converted(type);
  converted.Reserve(column.size());
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (column.IsNull(row)) {
      converted.AppendNull();
    } else {
      converted.AppendDouble(column.AsDouble(row));
    }
  }
  return converted;
}

// The type that both columns can have: each file's own values decided on theirs.
std::optional<Type> CommonType(const Column& a, const Column& b) {
  const auto only_nulls = [](const Column& column) { return column.null_count() == column.size(); };
  if (a.type() == b.type() || only_nulls(b)) return a.type();
  if (only_nulls(a)) return b.type();
  const auto is_number = [](Type type) { return type == Type::kInt64 || type == Type::kFloat64; };
  if (is_number(a.type()) && is_number(b.type())) return Type::kFloat64;
  return std::nullopt;
}

// Both tables' rows. `path` is where `more` came from.
Result<Batch> Concatenated(Batch first, const Batch& more, const std::string& path) {
  if (first.num_columns() != more.num_columns()) {
    return InvalidArgument("{} has {} columns, the files before it {}", path, more.num_columns(), first.num_columns());
  }
  Batch both;
  for (std::size_t i = 0; i < first.num_columns(); ++i) {
    Field field = first.schema().fields[i];
    const Column& added = more.column(i);
    const auto type = CommonType(first.column(i), added);
    if (more.schema().fields[i].name != field.name || !type) {
      return InvalidArgument("{}: column {} is \"{}\" ({}), in the files before it \"{}\" ({})", path, i + 1,
                             more.schema().fields[i].name, TypeName(added.type()), field.name, TypeName(field.type));
    }
    field.nullable = field.nullable || more.schema().fields[i].nullable;
    field.type = *type;
    Column column = first.column(i).type() == *type ? std::move(first.column(i)) : AsType(first.column(i), *type);
    column.AppendAll(added.type() == *type ? added : AsType(added, *type));
    both.AddColumn(std::move(field), std::move(column));
  }
  return both;
}

// A misspelt name in `types` would silently change nothing.
Status CheckDeclaredNames(const Batch& batch, const ReadOptions& options, const std::string& path) {
  if (!options.columns.empty()) return Ok();
  for (const auto& [name, type] : options.types) SW_TRY(batch.Get(name, path));
  return Ok();
}

void AppendCsvValue(std::string& out, const Column& column, std::size_t row) {
  if (column.IsNull(row)) return;
  if (column.type() != Type::kString) {
    out += column.ToText(row);
    return;
  }
  out += '"';
  for (const char c : column.String(row)) out.append(c == '"' ? 2 : 1, c);
  out += '"';
}

}  // namespace

Result<Location> ParseLocation(const std::string& location) {
  for (const auto& [format, read] : kFormats) {
    const std::string prefix = std::string(format) + ":";
    if (location.starts_with(prefix)) return Location{format, location.substr(prefix.size())};
  }
  for (const auto& [format, read] : kFormats) {
    if (location.ends_with("." + std::string(format))) return Location{format, location};
  }
  if (location.ends_with(".feather")) return Location{"arrow", location};
  return InvalidArgument(
      "unknown table format: \"{}\"; write csv:PATH, parquet:PATH, jsonl:PATH or arrow:PATH", location);
}

Result<std::vector<std::string>> FilesOf(const std::string& path) {
  if (path.find('*') == std::string::npos) return std::vector<std::string>{path};
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const std::string pattern = slash == std::string::npos ? path : path.substr(slash + 1);
  if (folder.find('*') != std::string::npos) {
    return InvalidArgument("{}: * may stand in the file's name only, not in a folder's", path);
  }
  std::vector<std::string> files;
  for (const std::string& name : SW_TRY(base::ListFolder(folder))) {
    if (Matches(pattern, name)) files.push_back(base::JoinPath(folder, name));
  }
  if (files.empty()) return NotFound("no file matches {}", path);
  return files;
}

Result<Batch> ReadTable(const std::string& location, const ReadOptions& options) {
  const Location parsed = SW_TRY(ParseLocation(location));
  std::optional<Batch> table;
  for (const std::string& path : SW_TRY(FilesOf(parsed.path))) {
    Batch batch = SW_TRY(ReadOne(parsed, path, options));
    SW_TRY(CheckDeclaredNames(batch, options, path));
    table = table ? SW_TRY(Concatenated(*std::move(table), batch, path)) : std::move(batch);
    if (table->num_rows() > options.rows_max) {
      return ResourceExhausted("{}: {} rows exceed rows_max = {}", path, table->num_rows(), options.rows_max);
    }
  }
  if (table->num_rows() == 0 && !options.allow_empty) {
    return InvalidArgument("table has no rows: {}; write at least one, or allow an empty table", parsed.path);
  }
  return *std::move(table);
}

Result<Schema> ReadSchema(const std::string& location, const ReadOptions& options) {
  const Location parsed = SW_TRY(ParseLocation(location));
  const auto files = SW_TRY(FilesOf(parsed.path));
  if (parsed.format != "parquet" || files.size() != 1 || !options.columns.empty()) {
    // Text has the types that all its rows allow, so all of them are read.
    ReadOptions all = options;
    all.allow_empty = true;
    const Batch table = SW_TRY(ReadTable(location, all));
    return table.schema();
  }
  if (!base::Exists(files[0])) return NotFound("no such file: {}", files[0]);
  auto schema = ReadParquetSchema(files[0]);
  if (!schema) return std::unexpected(std::move(schema).error().Within(fmt::format("reading {}", files[0])));
  return schema;
}

void AppendCsvHeader(std::string& out, const Schema& schema) {
  Column names(Type::kString);
  for (const Field& field : schema.fields) names.AppendString(field.name);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += ',';
    AppendCsvValue(out, names, i);
  }
  out += '\n';
}

void AppendCsvRows(std::string& out, const Batch& batch) {
  for (std::size_t row = 0; row < batch.num_rows(); ++row) {
    for (std::size_t i = 0; i < batch.num_columns(); ++i) {
      if (i > 0) out += ',';
      AppendCsvValue(out, batch.column(i), row);
    }
    out += '\n';
  }
}

Status WriteCsv(const Batch& batch, const std::string& path) {
  SW_TRY(batch.Check());
  std::string out;
  AppendCsvHeader(out, batch.schema());
  AppendCsvRows(out, batch);
  return base::WriteFileAtomic(path, out);
}

}  // namespace sw::data
