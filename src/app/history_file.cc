#include "app/history_file.h"

#include <filesystem>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "app/toml.h"
#include "base/errors.h"
#include "data/table_stream.h"
#include "feature/table_join.h"

namespace sw::app {
namespace {

constexpr double kHiddenShareMax = 0.01;  // of a view's labels, before a warning

// Of keys and request inputs, as they are declared: text would otherwise decide ("007" is no number 7).
std::map<std::string, data::Type> TypesOf(const feature::Definitions& defined, const feature::ServiceDef& service) {
  std::map<std::string, data::Type> types;
  const auto add = [&](const std::vector<data::Field>& fields) {
    for (const data::Field& field : fields) types.emplace(field.name, field.type);
  };
  for (const std::string& feature : service.features) {
    const std::string owner = feature.substr(0, feature.find('.'));
    if (const auto view = defined.views.find(owner); view != defined.views.end()) add(defined.entities.at(view->second.entity).keys);
    if (const auto request = defined.requests.find(owner); request != defined.requests.end()) add(request->second.inputs);
  }
  return types;
}

Result<std::size_t> MomentColumn(const data::Batch& labels, const HistoryFileRequest& request) {
  const std::vector<data::Field>& fields = labels.schema().fields;
  if (!request.moment.empty()) {
    const std::size_t index = SW_TRY(labels.schema().Index(request.moment, request.labels));
    if (fields[index].type == data::Type::kTimestamp) return index;
    return InvalidArgument("{}: column \"{}\" is {}, expected times such as 2013-06-01T12:00:00Z", request.labels, request.moment,
                           data::TypeName(fields[index].type));
  }
  std::vector<std::string> times;
  for (const data::Field& field : fields) {
    if (field.type == data::Type::kTimestamp) times.push_back(field.name);
  }
  if (times.size() == 1) return *labels.schema().Find(times.front());
  if (times.empty()) return InvalidArgument("{} has no column of times; a label needs the moment of its prediction", request.labels);
  return InvalidArgument("{} has several columns of times ({}); name the moment of the prediction by --moment", request.labels,
                         fmt::join(times, ", "));
}

Result<std::vector<TimeUs>> Moments(const data::Batch& labels, const HistoryFileRequest& request) {
  const std::size_t index = SW_TRY(MomentColumn(labels, request));
  const data::Column& column = labels.column(index);
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (column.IsNull(row)) {
      return InvalidArgument("{}: row {} has no {}; each label needs the moment of its prediction", request.labels, row + 1,
                             labels.schema().fields[index].name);
    }
  }
  return std::vector<TimeUs>(column.ints().begin(), column.ints().end());
}

Result<data::Batch> Beside(data::Batch labels, data::Batch features) {
  for (std::size_t i = 0; i < features.num_columns(); ++i) {
    const data::Field& field = features.schema().fields[i];
    if (labels.schema().Find(field.name)) return InvalidArgument("the labels have a column \"{}\", as a feature is called; rename it", field.name);
    labels.AddColumn(field, std::move(features.column(i)));
  }
  return labels;
}

Json Warnings(const feature::TableJoin& joined) {
  Json warnings = Json::MakeArray();
  for (const auto& [view, matches] : joined.matches) {
    const double share = matches.happened == 0 ? 0 : static_cast<double>(matches.hidden) / static_cast<double>(matches.happened);
    if (share <= kHiddenShareMax) continue;
    warnings.Append(fmt::format(
        "view {}: {:.1f} % of the labels with a row by their moment see none, because none had become known by then; if the "
        "table was loaded later than its rows happened, give created_time the time that each row was really known, or pass "
        "--as-known-now and mind what it leaks", view, 100 * share));
  }
  return warnings;
}

Status Write(data::Batch table, const std::string& path) {
  const auto writer = SW_TRY(data::CreateTable(path, table.schema()));
  SW_TRY(writer->Append(std::move(table)));
  return writer->Finish();
}

}  // namespace

Result<Json> HistoryToFile(const Settings& settings, const HistoryFileRequest& request, const OnProgress& on_progress) {
  if (!settings.IsSet("config")) return InvalidArgument("no definitions are named; give --config seaworthy.toml");
  const std::string config = settings.Text("config");
  const TomlFile file = SW_TRY(ReadTomlFile(config));
  auto parsed = feature::ParseDefinitions(file.root);
  if (!parsed) return std::unexpected(file.Locate(parsed.error()));
  const auto definitions = std::make_shared<const feature::Definitions>(*std::move(parsed));
  const feature::ServiceDef& service = *SW_TRY(definitions->Service(request.service));
  const std::string beside = std::filesystem::path(config).parent_path().string();
  feature::TableJoinOptions options{.tables_folder = settings.IsSet("tables") ? settings.Text("tables") : (beside.empty() ? "." : beside),
                                    .ignore_availability = request.ignore_availability};
  if (on_progress) options.progress = [&](double done) { on_progress(done, request.service); };
  data::ReadOptions reading;
  reading.types = TypesOf(*definitions, service);
  data::Batch labels = SW_TRY(data::ReadTable(request.labels, reading));
  const std::vector<TimeUs> moments = SW_TRY(Moments(labels, request));
  auto joined = feature::JoinFromTables(definitions, request.service, labels, moments, options);
  if (!joined) return std::unexpected(file.Locate(joined.error()));
  Json sources = Json::MakeObject();
  for (const auto& [name, rows] : joined->source_rows) sources.Set(name, rows);
  const auto rows = static_cast<std::int64_t>(labels.num_rows()), features = static_cast<std::int64_t>(joined->features.num_columns());
  SW_TRY(Write(SW_TRY(Beside(std::move(labels), std::move(joined->features))), request.out));
  return Json::MakeObject({{"rows", rows}, {"features", features}, {"service_hash", SW_TRY(feature::ServiceHash(*definitions, request.service))},
                           {"as", request.ignore_availability ? "known now" : "known then"}, {"sources", std::move(sources)},
                           {"warnings", Warnings(*joined)}});
}

}  // namespace sw::app
