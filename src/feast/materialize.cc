#include "feast/materialize.h"

#include <algorithm>

#include "base/errors.h"
#include "data/raw_files.h"
#include "feast/editor.h"
#include "feast/history.h"
#include "feast/newest_rows.h"
#include "feast/objects.h"
#include "feast/online_write.h"
#include "feast/row_encoder.h"

namespace sw::feast {
namespace {

namespace core = ::feast::core;

constexpr std::size_t kBlockRows = 50'000;  // that are in memory at once, and in one transaction
constexpr DurationUs kFirstPeriod = 52 * 7 * base::kDayUs;

Status CheckMaterialized(const View& view) {
  SW_TRY(CheckStored(view));
  if (view.kind == ViewKind::kLabel) return InvalidArgument("LabelView '{}' is not materialized: its rows come by push().", view.name);
  if (!view.online) return InvalidArgument("FeatureView {} is not configured to be served online.", view.name);
  if (!view.enabled) return InvalidArgument("FeatureView {} is disabled.", view.name);
  return Ok();
}

core::FeatureViewMeta* MetaOf(core::Registry& objects, std::string_view name, std::string_view project) {
  for (core::FeatureView& view : *objects.mutable_feature_views()) {
    if (view.spec().name() == name && IsOf(view, project)) return view.mutable_meta();
  }
  for (core::StreamFeatureView& view : *objects.mutable_stream_feature_views()) {
    if (view.spec().name() == name && IsOf(view, project)) return view.mutable_meta();
  }
  return nullptr;
}

TimeUs TimeOf(const google::protobuf::Timestamp& stamp) { return stamp.seconds() * base::kSecondUs + stamp.nanos() / 1'000; }

std::optional<TimeUs> LastEnd(const core::Registry& objects, std::string_view name, std::string_view project) {
  const auto of = [&](const auto* view) -> std::optional<TimeUs> {
    if (view == nullptr) return std::nullopt;
    std::optional<TimeUs> last;
    for (const auto& interval : view->meta().materialization_intervals()) last = std::max(last.value_or(INT64_MIN), TimeOf(interval.end_time()));
    return last;
  };
  if (const auto last = of(FindObject<core::FeatureView>(objects, name, project))) return last;
  return of(FindObject<core::StreamFeatureView>(objects, name, project));
}

// The view's table and where in it the columns are.
struct Opened {
  data::RawFiles files;
  TableColumns columns;
};

Result<Opened> OpenTable(const TableFolders& folders, const View& view) {
  if (!view.source) return InvalidArgument("Feature view '{}' has no batch_source to materialize from.", view.name);
  const BatchSource& source = *view.source;
  if (source.kind != "file") return Unimplemented("feature view {} reads a source of kind {}; only files are read here", view.name, source.kind);
  auto files = data::RawFiles::Open(SW_TRY(folders.Find(source.uri)));
  if (!files) return std::unexpected(std::move(files).error().Within(fmt::format("source {} of view {}", source.name, view.name)));
  const data::RawTable& table = files->no_rows();
  const auto find = [&](const std::string& name) -> Result<std::string> {
    std::string column = SourceColumn(source, table, name);
    SW_TRY(table.Index(column, fmt::format("source {} of view {}", source.name, view.name)));
    return column;
  };
  TableColumns columns;
  for (const Field& key : view.keys) columns.keys.push_back(SW_TRY(find(key.name)));
  for (const Field& feature : view.features) columns.features.push_back(SW_TRY(find(feature.name)));
  columns.event = SW_TRY(find(source.timestamp_field));
  if (!source.created_timestamp_column.empty()) columns.created = SW_TRY(find(source.created_timestamp_column));
  return Opened{*std::move(files), std::move(columns)};
}

}  // namespace

Result<std::vector<std::string>> Materializer::ViewsOf(std::string_view project_name, const std::optional<std::vector<std::string>>& names) const {
  const auto project = SW_TRY(options_.registry->Find(project_name));
  std::vector<std::string> views;
  if (!names) {
    for (const auto& [name, view] : project->views()) {
      if (CheckMaterialized(view)) views.push_back(name);
    }
    return views;
  }
  for (const std::string& name : *names) {
    SW_TRY(CheckMaterialized(*SW_TRY(project->FindView(name))));
    views.push_back(name);
  }
  return views;
}

Status Materializer::RunOne(const Project& project, const View& view, TimeUs from, TimeUs to) {
  const Opened opened = SW_TRY(OpenTable(*options_.folders, view));
  EventTable table{.files = opened.files, .keys = opened.columns.keys, .event_time = opened.columns.event, .created = opened.columns.created, .content = opened.columns.features};
  std::ranges::sort(table.content);
  const data::TimeUnit unit = UnitOf(table);
  const std::int64_t last = InUnit(to, unit);
  const std::vector<std::int64_t> rows =
      SW_TRY(NewestOfEachKey(table, {.from = InUnit(from, unit), .to = last}, unit, {.threads = options_.threads}));
  SW_TRY(options_.rows->Know(RowLayout::Of(view.features)));
  RowEncoder encoder(project.name(), view, opened.columns);
  for (std::size_t at = 0; at < rows.size(); at += kBlockRows) {
    const std::span<const std::int64_t> block = std::span(rows).subspan(at, std::min(kBlockRows, rows.size() - at));
    const data::RawTable values = SW_TRY(opened.files.Gather(opened.columns.All(), block, options_.threads));
    SW_TRY(options_.rows->Write(SW_TRY(encoder.Encode(values))));
  }
  return options_.registry->Change([&](core::Registry& objects) -> Status {
    return Editor(objects, options_.clock->Now(), *options_.ids).Materialized(view.name, project.name(), TimestampOf(from), TimestampOf(to));
  });
}

Status Materializer::Run(std::string_view project_name, const std::vector<std::string>& views, TimeUs from, TimeUs to) {
  if (from >= to) return InvalidArgument("start_ts ({}) must be before end_ts ({})", base::FormatTime(from), base::FormatTime(to));
  for (const std::string& name : views) {
    const auto project = SW_TRY(options_.registry->Find(project_name));
    SW_TRY(RunOne(*project, *SW_TRY(project->FindView(name)), from, to));
  }
  return Ok();
}

Status Materializer::RunIncremental(std::string_view project_name, const std::vector<std::string>& views, TimeUs to) {
  for (const std::string& name : views) {
    const auto project = SW_TRY(options_.registry->Find(project_name));
    const View& view = *SW_TRY(project->FindView(name));
    const DurationUs period = view.ttl > 0 ? view.ttl : kFirstPeriod;
    const TimeUs from = LastEnd(*project->snapshot(), name, project_name).value_or(options_.clock->Now() - period);
    if (from < to) SW_TRY(RunOne(*project, view, from, to));
  }
  return Ok();
}

Result<std::vector<std::string>> Materializer::Reserve(std::string_view project, const std::vector<std::string>& views, bool force) {
  std::vector<std::string> busy;
  SW_TRY(options_.registry->Change([&](core::Registry& objects) -> Status {
    busy.clear();
    for (const std::string& name : views) {
      const core::FeatureViewMeta* meta = MetaOf(objects, name, project);
      if (!force && meta != nullptr && meta->state() == core::MATERIALIZING) busy.push_back(name);
    }
    if (!busy.empty()) return Ok();
    for (const std::string& name : views) {
      if (core::FeatureViewMeta* meta = MetaOf(objects, name, project)) meta->set_state(core::MATERIALIZING);
    }
    return Ok();
  }));
  return busy;
}

Status Materializer::Release(std::string_view project, const std::vector<std::string>& views) {
  return options_.registry->Change([&](core::Registry& objects) -> Status {
    for (const std::string& name : views) {
      core::FeatureViewMeta* meta = MetaOf(objects, name, project);
      if (meta != nullptr && meta->state() == core::MATERIALIZING) meta->set_state(core::GENERATED);
    }
    return Ok();
  });
}

}  // namespace sw::feast
