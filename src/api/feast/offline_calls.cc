#include "api/feast/offline_calls.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/errors.h"
#include "data/raw_files.h"
#include "data/schema.h"
#include "feast/failure.h"

namespace sw::feast {
namespace {

constexpr std::string_view kEmptyTable = "key";  // the only column of what a client sends for no table

Status CheckHas(const Json& command, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) {
    if (!command.Has(key)) return InvalidArgument("{} is a mandatory parameter", key);
  }
  return Ok();
}

Result<std::vector<std::string>> Texts(const Json& command, std::string_view key) {
  std::vector<std::string> texts;
  for (const Json& item : SW_TRY(command.GetArray(key))->AsArray()) {
    if (!item.IsString()) return InvalidArgument("{} holds {}, not a string", key, item.TypeName());
    texts.push_back(item.AsString());
  }
  return texts;
}

// As Python's isoformat() writes it; null and absent: none.
Result<std::optional<TimeUs>> Time(const Json& command, std::string_view key) {
  const Json* const value = command.Find(key);
  if (value == nullptr || value->IsNull()) return std::nullopt;
  return SW_TRY(base::ParseTime(SW_TRY(command.GetString(key))));
}

bool IsNoTable(const data::RawTable& table) {
  return table.columns().empty() || (table.columns().size() == 1 && table.columns().front().name == kEmptyTable);
}

// What pandas adds for an index without a name.
bool IsIndex(const std::string& column) { return column.starts_with("__index_level_") && column.ends_with("__"); }

Result<data::RawTable> WithoutIndex(const data::RawTable& table) {
  std::vector<std::string> names;
  for (const data::RawColumn& column : table.columns()) {
    if (!IsIndex(column.name)) names.push_back(column.name);
  }
  return table.Select(names, "the entity table");
}

// Of the project's services, the last whose projection has that alias, as Feast finds it.
const ::feast::core::FeatureViewProjection* ProjectionNamed(const Project& project, std::string_view alias) {
  const ::feast::core::FeatureViewProjection* found = nullptr;
  for (const auto& service : project.snapshot()->feature_services()) {
    if (service.spec().project() != project.name()) continue;
    for (const auto& projection : service.spec().features()) {
      if (projection.feature_view_name_alias() == alias) found = &projection;
    }
  }
  return found;
}

Result<std::vector<WantedView>> ViewsOf(const Project& project, const Json& command) {
  const std::vector<std::string> names = SW_TRY(Texts(command, "feature_view_names"));
  const Json::Array& aliases = SW_TRY(command.GetArray("name_aliases"))->AsArray();
  if (aliases.size() != names.size()) return InvalidArgument("{} name_aliases for {} feature_view_names", aliases.size(), names.size());
  std::vector<WantedView> views;
  for (std::size_t i = 0; i < names.size(); ++i) {
    WantedView wanted{.view = SW_TRY(project.FindView(names[i])), .alias = names[i], .features = {}, .join_key_map = {}};
    if (aliases[i].IsString() && !aliases[i].AsString().empty()) {
      wanted.alias = aliases[i].AsString();
      if (const auto* projection = ProjectionNamed(project, wanted.alias)) wanted.join_key_map.insert(projection->join_key_map().begin(), projection->join_key_map().end());
    }
    views.push_back(std::move(wanted));
  }
  return views;
}

Status AddFeature(const Project& project, std::string_view reference, std::vector<WantedView>& views, std::vector<std::size_t>& order) {
  const std::size_t colon = reference.find(':');
  if (colon == reference.npos) return InvalidArgument("Feature ref {} is no view:feature", reference);
  const std::string view(reference.substr(0, colon)), feature(reference.substr(colon + 1));
  const auto wanted = std::ranges::find(views, view, &WantedView::alias);
  if (wanted == views.end()) {
    const auto known = project.views().find(view);
    if (known != project.views().end() && known->second.kind == ViewKind::kOnDemand) {
      return Unimplemented("feature view {} is computed by Python code on demand, which this server does not run; ask for the views that it reads, and compute it beside the model", view);
    }
    return InvalidArgument("Could not find feature view from reference {}", reference);
  }
  const auto& fields = wanted->view->features;
  const auto field = std::ranges::find(fields, feature, &Field::name);
  if (field == fields.end()) {
    std::vector<std::string> known;
    for (const Field& each : fields) known.push_back(each.name);
    return NotFound("Feature view {} has no feature {}; near: {}", view, feature, fmt::join(data::NearMisses(feature, known), ", "));
  }
  const auto index = static_cast<std::size_t>(field - fields.begin());
  if (std::ranges::find(wanted->features, index) == wanted->features.end()) wanted->features.push_back(index);
  const auto place = static_cast<std::size_t>(wanted - views.begin());
  if (std::ranges::find(order, place) == order.end()) order.push_back(place);
  return Ok();
}

Result<::feast::core::DataSource> SourceOf(const Json& command) {
  ::feast::core::DataSource source;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto parsed = google::protobuf::util::JsonStringToMessage(SW_TRY(command.GetString("data_source_proto")), &source, options);
  if (!parsed.ok()) return InvalidArgument("data_source_proto is no data source: {}", std::string(parsed.message()));
  return source;
}

}  // namespace

Result<bool> OfflineCalls::Put(const Caller& caller, const Json& command, const data::RawTable& table) const {
  const std::string api = SW_TRY(command.GetString("api"));
  if (api == "validate_data_source") {
    SW_TRY(Validate(command));
    return false;
  }
  if (api != "offline_write_batch" && api != "write_logged_features" && api != "persist") return true;
  if (!caller.Has("features.write")) return PermissionDenied("{} needs the scope features.write", api);
  if (api == "persist") SW_TRY(Persist(command, table));
  if (api == "offline_write_batch") SW_TRY(WriteBatch(command, table));
  if (api == "write_logged_features") {
    const Found project = SW_TRY(context_.registry->Find(context_.project));
    SW_TRY(context_.writes->WriteLog(*project, SW_TRY(command.GetString("feature_service_name")), table));
  }
  return false;
}

Result<data::RawTable> OfflineCalls::Get(const Json& command, const data::RawTable& table) const {
  const std::string api = SW_TRY(command.GetString("api"));
  if (api == "get_historical_features") return Historical(command, table);
  if (api == "pull_latest_from_table_or_query") return Pull(command, true);
  if (api == "pull_all_from_table_or_query") return Pull(command, false);
  if (api == "get_table_column_names_and_types_from_data_source") return ColumnTypes(command);
  return Unimplemented("an offline server has no {} to answer", api);
}

Result<data::RawTable> OfflineCalls::Historical(const Json& command, const data::RawTable& table) const {
  SW_TRY(CheckHas(command, {"feature_view_names", "name_aliases", "feature_refs", "project", "full_feature_names"}));
  const Found project = SW_TRY(context_.registry->Find(SW_TRY(command.GetString("project"))));
  HistoryRequest request{.views = {}};
  std::vector<WantedView> views = SW_TRY(ViewsOf(*project, command));
  std::vector<std::size_t> order;
  for (const std::string& reference : SW_TRY(Texts(command, "feature_refs"))) SW_TRY(AddFeature(*project, reference, views, order));
  for (const std::size_t place : order) request.views.push_back(views[place]);
  if (!IsNoTable(table)) request.entities = SW_TRY(WithoutIndex(table));
  else if (command.Has("entity_df_sql")) return InvalidArgument("Please provide an entity_df of type pd.DataFrame: this server reads files and runs no SQL");
  request.start = SW_TRY(Time(command, "start_date"));
  request.end = SW_TRY(Time(command, "end_date"));
  request.full_feature_names = SW_TRY(command.GetBool("full_feature_names"));
  request.filter_by_created_timestamp = command.BoolOr("filter_by_created_timestamp", false);
  return HistoricalFeatures(context_.writes->folders(), request, Options());
}

Result<data::RawTable> OfflineCalls::Pull(const Json& command, bool only_latest) const {
  SW_TRY(CheckHas(command, {"data_source_name", "join_key_columns", "feature_name_columns", "timestamp_field", "start_date", "end_date"}));
  const Found project = SW_TRY(context_.registry->Find(context_.project));
  PullRequest request{.uri = SW_TRY(FileOfSource(*project, SW_TRY(command.GetString("data_source_name")))),
                      .keys = SW_TRY(Texts(command, "join_key_columns")),
                      .features = SW_TRY(Texts(command, "feature_name_columns")),
                      .event_time = SW_TRY(command.GetString("timestamp_field")),
                      .created = command.StringOr("created_timestamp_column", "")};
  request.start = SW_TRY(Time(command, "start_date"));
  request.end = SW_TRY(Time(command, "end_date"));
  return only_latest ? PullLatest(context_.writes->folders(), request, Options()) : PullAll(context_.writes->folders(), request, Options());
}

Result<data::RawTable> OfflineCalls::ColumnTypes(const Json& command) const {
  const auto source = SW_TRY(SourceOf(command));
  if (!source.has_file_options()) return Unimplemented("data source {} is no file; only files are read here", source.name());
  const std::string path = SW_TRY(context_.writes->folders().Find(source.file_options().uri()));
  auto files = data::RawFiles::Open(path);
  if (!files && files.error().code == ErrorCode::kNotFound) return NotFound("DataSourceNotFoundException: Unable to find table at '{}'. Please check that table exists.", source.file_options().uri());
  if (!files) return std::unexpected(std::move(files).error());
  std::vector<std::string> names, types;
  for (const data::RawColumn& column : files->no_rows().columns()) {
    names.push_back(column.name);
    types.push_back(column.type);
  }
  return data::RawTable::OfTexts({{"name", names}, {"type", types}});
}

// A file may come later, as Feast has it; one that may never be read is refused now.
Status OfflineCalls::Validate(const Json& command) const {
  const auto source = SW_TRY(SourceOf(command));
  if (source.has_file_options()) SW_TRY(context_.writes->folders().Find(source.file_options().uri()));
  return Ok();
}

Status OfflineCalls::Persist(const Json& command, const data::RawTable& table) const {
  SW_TRY(CheckHas(command, {"retrieve_func", "data_source_name", "allow_overwrite"}));
  const std::string retrieve = SW_TRY(command.GetString("retrieve_func"));
  // Feast's client names one data source, and for a pull that is the one it reads.
  if (retrieve != "get_historical_features") return InvalidArgument("{} would be written over the data source that it reads; only historical features are persisted", retrieve);
  Json read = command;
  read["api"] = retrieve;
  const Found project = SW_TRY(context_.registry->Find(context_.project));
  return context_.writes->Persist(*project, SW_TRY(command.GetString("data_source_name")), SW_TRY(command.GetBool("allow_overwrite")), SW_TRY(Get(read, table)));
}

Status OfflineCalls::WriteBatch(const Json& command, const data::RawTable& table) const {
  SW_TRY(CheckHas(command, {"feature_view_names", "name_aliases"}));
  const std::vector<std::string> names = SW_TRY(Texts(command, "feature_view_names"));
  if (names.size() != 1) return InvalidArgument("feature_view_names list should only have one item");
  const Found project = SW_TRY(context_.registry->Find(context_.project));
  return context_.writes->AppendToView(*SW_TRY(project->FindView(names.front())), SW_TRY(WithoutIndex(table)));
}

}  // namespace sw::feast
