#include "feast/offline_writes.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <vector>

#include "base/errors.h"
#include "base/files.h"
#include "data/raw_files.h"
#include "feast/failure.h"

namespace sw::feast {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> NamesOf(const data::RawTable& table) {
  std::vector<std::string> names;
  for (const data::RawColumn& column : table.columns()) names.push_back(column.name);
  return names;
}

Status CheckColumns(const std::string& path, const data::RawTable& rows) {
  const data::RawFiles files = SW_TRY(data::RawFiles::Open(path));
  const std::vector<std::string> has = NamesOf(rows), wants = NamesOf(files.no_rows());
  if (std::set<std::string>(has.begin(), has.end()) == std::set<std::string>(wants.begin(), wants.end())) return Ok();
  return InvalidArgument("The input pyarrow table has the incorrect columns {}. The columns are expected to be {}.", fmt::join(has, ", "), fmt::join(wants, ", "));
}

std::vector<fs::path> TablesIn(const std::string& folder) {
  std::vector<fs::path> tables;
  std::error_code failed;
  for (fs::directory_iterator each(folder, failed); !failed && each != fs::directory_iterator(); each.increment(failed)) {
    if (each->path().extension() == ".parquet") tables.push_back(each->path());
  }
  return tables;
}

}  // namespace

Status OfflineWrites::AppendToView(const View& view, const data::RawTable& rows) {
  if (!view.source || view.source->kind != "file") return Unimplemented("feature view {} has no source of files to write to", view.name);
  const std::string path = SW_TRY(folders_.Find(view.source->uri));
  const std::lock_guard lock(mutex_);
  if (base::Exists(path)) SW_TRY(CheckColumns(path, rows));
  else SW_TRY(base::MakeFolders(fs::path(path).parent_path().string()));
  return data::PrependToParquet(path, rows);
}

Status OfflineWrites::WriteLog(const Project& project, std::string_view service, const data::RawTable& rows) {
  for (const auto& each : project.snapshot()->feature_services()) {
    if (each.spec().name() != service || each.spec().project() != project.name()) continue;
    if (!each.spec().logging_config().has_file_destination()) {
      return FailedPrecondition("feature service {} has no logging_config with a file as its destination", service);
    }
    const auto& destination = each.spec().logging_config().file_destination();
    const std::string folder = SW_TRY(folders_.Find(destination.path()));
    const std::lock_guard lock(mutex_);
    return data::AddToFolder(folder, rows, {destination.partition_by().begin(), destination.partition_by().end()});
  }
  return FeatureServiceNotFound(service, project.name());
}

Status OfflineWrites::Persist(const Project& project, std::string_view data_source, bool allow_overwrite, const data::RawTable& rows) {
  const std::string uri = SW_TRY(FileOfSource(project, data_source));
  const std::string path = SW_TRY(folders_.Find(uri));
  const std::lock_guard lock(mutex_);
  if (!allow_overwrite && base::Exists(path)) return AlreadyExists("SavedDatasetLocationAlreadyExists: The saved dataset location {} already exists.", uri);
  if (path.ends_with(".parquet") && !fs::is_directory(path)) {
    SW_TRY(base::MakeFolders(fs::path(path).parent_path().string()));
    return rows.WriteParquet(path);
  }
  const std::vector<fs::path> before = TablesIn(path);
  SW_TRY(data::AddToFolder(path, rows, {}));
  for (const fs::path& old : before) SW_TRY(base::RemoveFile(old.string()));
  return Ok();
}

Result<std::string> FileOfSource(const Project& project, std::string_view data_source) {
  for (const auto& source : project.snapshot()->data_sources()) {
    if (source.name() != data_source || source.project() != project.name()) continue;
    if (!source.has_file_options()) return Unimplemented("data source {} is no file; only files are read here", data_source);
    return source.file_options().uri();
  }
  for (const auto& [name, view] : project.views()) {
    if (view.source && view.source->name == data_source && view.source->kind == "file") return view.source->uri;
  }
  return DataSourceNotFound(data_source, project.name());
}

}  // namespace sw::feast
