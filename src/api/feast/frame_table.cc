#include "api/feast/frame_table.h"

#include <numeric>

#include "base/errors.h"
#include "base/files.h"
#include "data/raw_files.h"
#include "data/readers.h"
#include "feast/history.h"

namespace sw::feast {
namespace {

using data::Type;

// The type that a column's text is read as, by the name that Arrow gives it.
Result<Type> TypeOf(const data::RawColumn& column) {
  const std::string_view type = column.type;
  if (column.is_time) return Type::kTimestamp;
  if (type.starts_with("int") || type.starts_with("uint")) return Type::kInt64;
  if (type == "double" || type.starts_with("float") || type == "halffloat") return Type::kFloat64;
  if (type == "bool") return Type::kBool;
  if (type == "string" || type == "large_string") return Type::kString;
  return Unimplemented("column {} is of type {}: it cannot be pushed as JSON; push online, or write it by the offline server", column.name, column.type);
}

Result<data::Column> ColumnOf(const data::RawColumn& wanted, const Json& values) {
  if (!values.IsArray()) return InvalidArgument("df: column {}: expected a list of values, found {}", wanted.name, values.TypeName());
  data::Column column(SW_TRY(TypeOf(wanted)));
  for (const Json& value : values.AsArray()) {
    const Status added = column.AppendJson(value);
    if (!added) return std::unexpected(Error(added.error()).Within(fmt::format("df: column {}", wanted.name)));
  }
  return column;
}

// Through a file: a batch becomes a table of Arrow's types in no other way.
Result<data::RawTable> ThroughFile(const data::Batch& batch) {
  const std::string folder = SW_TRY(base::MakeTempFolder("seaworthy-push"));
  const std::string path = base::JoinPath(folder, "rows.parquet");
  const auto read = [&]() -> Result<data::RawTable> {
    SW_TRY(data::WriteParquet(batch, path));
    const data::RawFiles files = SW_TRY(data::RawFiles::Open(path));
    std::vector<std::int64_t> rows(files.num_rows());
    std::iota(rows.begin(), rows.end(), 0);
    std::vector<std::string> names;
    for (const data::RawColumn& column : files.no_rows().columns()) names.push_back(column.name);
    return files.Gather(names, rows, 1);
  };
  auto table = read();
  static_cast<void>(base::RemoveFolder(folder));
  return table;
}

}  // namespace

Result<data::RawTable> TableOfFrame(const TableFolders& folders, const View& view, const Json& frame) {
  if (!view.source || view.source->kind != "file") return Unimplemented("feature view {} has no source of files to write to", view.name);
  const data::RawFiles files = SW_TRY(data::RawFiles::Open(SW_TRY(folders.Find(view.source->uri))));
  data::Batch batch;
  for (const data::RawColumn& wanted : files.no_rows().columns()) {
    const Json* values = frame.Find(wanted.name);
    if (values == nullptr) return InvalidArgument("df has no column {}, which the source of view {} has", wanted.name, view.name);
    data::Column column = SW_TRY(ColumnOf(wanted, *values));
    if (batch.num_columns() > 0 && column.size() != batch.num_rows()) return InvalidArgument("df: All arrays must be of the same length");
    batch.AddColumn({wanted.name, column.type()}, std::move(column));
  }
  if (batch.num_columns() != frame.size()) return InvalidArgument("df has {} columns; the source of view {} has {}", frame.size(), view.name, batch.num_columns());
  return ThroughFile(batch);
}

}  // namespace sw::feast
