#include "feast/materialize.h"

#include <algorithm>
#include <functional>
#include <span>

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

constexpr std::size_t kBlockRows = 100'000;            // of one transaction
constexpr std::size_t kSortedBytesMax = 256u << 20;    // of records that are sorted together
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

// Keys of one view differ behind a long common beginning: the next eight bytes decide nearly always.
void SortByKey(std::vector<store::OnlineWrite>& records) {
  if (records.empty()) return;
  const std::string& first = records.front().key;
  std::size_t common = first.size();
  for (const store::OnlineWrite& record : records) {
    const std::size_t size = std::min(common, record.key.size());
    common = static_cast<std::size_t>(std::mismatch(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(size), record.key.begin()).first - first.begin());
  }
  struct Place {
    std::uint64_t head;
    std::size_t record;
  };
  std::vector<Place> places(records.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    std::uint64_t head = 0;
    const std::string_view rest = std::string_view(records[i].key).substr(common, sizeof head);
    for (std::size_t k = 0; k < sizeof head; ++k) head = head << 8 | (k < rest.size() ? static_cast<unsigned char>(rest[k]) : 0);
    places[i] = {head, i};
  }
  std::ranges::sort(places, [&](const Place& a, const Place& b) { return a.head != b.head ? a.head < b.head : records[a.record].key < records[b.record].key; });
  std::vector<store::OnlineWrite> sorted;
  sorted.reserve(records.size());
  for (const Place& place : places) sorted.push_back(std::move(records[place.record]));
  records = std::move(sorted);
}

// Gathers records, and writes them in the order of their keys: the store's tree then grows page by page. In the order
// of a table each transaction would touch all of it.
class SortedWriter {
 public:
  explicit SortedWriter(OnlineRows& rows) : rows_(rows) {}
  Status Add(std::vector<store::OnlineWrite> records) {
    for (store::OnlineWrite& record : records) {
      bytes_ += record.key.size() + record.value->size() + sizeof record;
      records_.push_back(std::move(record));
    }
    return bytes_ < kSortedBytesMax ? Ok() : Flush();
  }
  Status Flush() {
    SortByKey(records_);
    for (std::size_t at = 0; at < records_.size(); at += kBlockRows) {
      SW_TRY(rows_.Write(std::span(records_).subspan(at, std::min(kBlockRows, records_.size() - at))));
    }
    records_.clear();
    bytes_ = 0;
    return Ok();
  }

 private:
  OnlineRows& rows_;
  std::vector<store::OnlineWrite> records_;
  std::size_t bytes_ = 0;
};

using Rows = std::span<const std::int64_t>;

bool HasAll(const data::RawTable& table, const std::vector<std::string>& columns) {
  return std::ranges::all_of(columns, [&](const std::string& column) { return table.Has(column); });
}

// The chosen rows (ascending) of one part, block by block, so that it is decompressed once.
Status ForRowsOfPart(const data::RawFiles& files, std::size_t part, const std::vector<std::string>& columns, Rows rows, std::size_t threads,
                     const std::function<Status(const data::RawTable&)>& use) {
  const auto blocks = SW_TRY(files.Read(part, columns));
  std::int64_t first = static_cast<std::int64_t>(files.parts()[part].first_row);
  std::vector<std::int64_t> here;
  while (!rows.empty()) {
    const auto block = SW_TRY(blocks->Next());
    if (!block) break;
    // A file of its own columns: what it lacks becomes null.
    if (!HasAll(*block, columns)) return use(SW_TRY(files.Gather(columns, rows, threads)));
    here.clear();
    const std::int64_t end = first + static_cast<std::int64_t>(block->num_rows());
    for (; !rows.empty() && rows.front() < end; rows = rows.subspan(1)) here.push_back(rows.front() - first);
    if (!here.empty()) SW_TRY(use(here.size() == block->num_rows() ? *block : SW_TRY(block->Take(here))));
    first = end;
  }
  return Ok();
}

Status ForChosenRows(const data::RawFiles& files, const std::vector<std::string>& columns, Rows rows, std::size_t threads,
                     const std::function<Status(const data::RawTable&)>& use) {
  for (std::size_t part = 0; part < files.parts().size() && !rows.empty(); ++part) {
    const std::int64_t end = static_cast<std::int64_t>(files.parts()[part].first_row + files.parts()[part].rows);
    const auto count = static_cast<std::size_t>(std::ranges::lower_bound(rows, end) - rows.begin());
    if (count > 0) SW_TRY(ForRowsOfPart(files, part, columns, rows.first(count), threads, use));
    rows = rows.subspan(count);
  }
  return Ok();
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
  SortedWriter writer(*options_.rows);
  RowEncoder encoder(project.name(), view, opened.columns);
  SW_TRY(ForChosenRows(opened.files, opened.columns.All(), rows, options_.threads,
                       [&](const data::RawTable& values) -> Status { return writer.Add(SW_TRY(encoder.Encode(values))); }));
  SW_TRY(writer.Flush());
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
