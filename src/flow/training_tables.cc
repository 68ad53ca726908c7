#include "flow/training_tables.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <set>

#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"
#include "data/readers.h"
#include "feature/expression.h"
#include "feature/lineage.h"

namespace sw::flow {
namespace {

constexpr const char* kMomentColumn = "moment";
constexpr const char* kIdColumn = "id";
constexpr std::size_t kExamplesMax = 5;

Result<const data::Column*> TimeColumn(const data::Batch& rows, const std::string& name, const std::string& key) {
  const data::Column* column = SW_TRY(rows.Get(name, "the source's rows"));
  if (column->type() != data::Type::kTimestamp) {
    return InvalidArgument("{}: expected a timestamp column, {} is {}", key, name, data::TypeName(column->type()));
  }
  return column;
}

// An error says which expression is wrong.
Result<feature::Expression> CompileFor(const std::string& key, const std::string& text, const data::Schema& schema) {
  auto compiled = feature::Expression::Compile(text, schema);
  if (compiled) return compiled;
  return std::unexpected(std::move(compiled).error().Within(key));
}

// The rows to learn from: their moment lies in [from, until) and their label was known in time.
Result<std::vector<std::size_t>> SelectRows(const data::Batch& rows, const feature::TrainingSetDef& set,
                                            const TableRequest& request, const data::Column& label) {
  const std::string key = "training_set." + set.name;
  const data::Column* moment = SW_TRY(TimeColumn(rows, set.moment, key + ".moment"));
  const data::Column* known = set.label_time.empty() ? nullptr : SW_TRY(TimeColumn(rows, set.label_time, key + ".label_time"));
  const TimeUs labels_until = request.labels_until == 0 ? request.until : request.labels_until;
  std::vector<std::size_t> selected;
  for (std::size_t row = 0; row < rows.num_rows(); ++row) {
    if (moment->IsNull(row) || label.IsNull(row) || (known != nullptr && known->IsNull(row))) continue;
    const bool in_range = moment->Int(row) >= request.from && moment->Int(row) < request.until;
    if (in_range && (known == nullptr || known->Int(row) <= labels_until)) selected.push_back(row);
  }
  // In order of the moments, so that a held-out tail is the latest part.
  std::stable_sort(selected.begin(), selected.end(), [&](std::size_t a, std::size_t b) { return moment->Int(a) < moment->Int(b); });
  if (selected.empty()) {
    return FailedPrecondition("training set {}: no labelled rows between {} and {}; load the source {} first", set.name,
                              base::FormatTime(request.from), base::FormatTime(request.until), set.source);
  }
  return selected;
}

data::Column AsLabels(const data::Column& column) {
  data::Column labels(data::Type::kFloat64);
  for (std::size_t row = 0; row < column.size(); ++row) labels.AppendDouble(column.AsDouble(row));
  return labels;
}

// `checked` are the columns whose values were looked at one by one; the join gives the others, what was
// known at the moment and nothing else.
eval::Lineage LineageOf(const data::Batch& features, std::vector<eval::ColumnLineage> checked) {
  eval::Lineage lineage{.columns = std::move(checked), .label_is_known = true};
  std::set<std::string> names;
  for (const auto& column : lineage.columns) names.insert(column.name);
  for (std::size_t c = 0; c < features.num_columns(); ++c) {
    const std::string& name = features.schema().fields[c].name;
    if (names.contains(name)) continue;
    lineage.columns.push_back({.name = name, .rows = std::max<std::size_t>(1, features.num_rows() - features.column(c).null_count()),
                               .rows_too_late = 0, .examples = {}});
  }
  return lineage;
}

bool SameBits(const data::Column& a, const data::Column& b, std::size_t row) {
  if (a.IsNull(row) || b.IsNull(row)) return a.IsNull(row) == b.IsNull(row);
  if (a.type() == data::Type::kString) return a.String(row) == b.String(row);
  if (a.type() != data::Type::kFloat64) return a.Int(row) == b.Int(row);
  return std::bit_cast<std::uint64_t>(a.Double(row)) == std::bit_cast<std::uint64_t>(b.Double(row));
}

// What a join took that ignores when rows became known: the values that the honest join has not.
eval::ColumnLineage TakenTooEarly(const data::Field& field, const data::Column& naive, const data::Column& honest,
                                  const std::vector<TimeUs>& moments) {
  eval::ColumnLineage lineage{.name = field.name};
  for (std::size_t row = 0; row < naive.size(); ++row) {
    if (naive.IsNull(row)) continue;
    ++lineage.rows;
    if (SameBits(naive, honest, row)) continue;
    ++lineage.rows_too_late;
    if (lineage.examples.size() >= kExamplesMax) continue;
    lineage.examples.push_back(fmt::format("row {}: {} = {}, used at {}; what was known by then gives {}", row, field.name,
                                           naive.ToText(row), base::FormatTime(moments[row]), honest.ToText(row)));
  }
  return lineage;
}

// A file's own moments; without the column a day for each row.
std::vector<TimeUs> MomentsIn(const data::Batch& rows) {
  const data::Column* moment = rows.Find(kMomentColumn);
  std::vector<TimeUs> moments;
  for (std::size_t row = 0; row < rows.num_rows(); ++row) {
    const bool has_moment = moment != nullptr && moment->type() == data::Type::kTimestamp && !moment->IsNull(row);
    moments.push_back(has_moment ? moment->Int(row) : static_cast<TimeUs>(row) * base::kDayUs);
  }
  return moments;
}

// Files come in any order; a held-out tail is the latest part.
std::vector<std::size_t> OrderByMoment(const std::vector<TimeUs>& moments) {
  std::vector<std::size_t> order(moments.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return moments[a] < moments[b]; });
  return order;
}

std::string KeyOf(const TableRequest& request, const Json& provenance) {
  return base::Sha256Hex(provenance.Dump() + fmt::format("{}", request.labels_until));
}

}  // namespace

std::vector<std::uint64_t> DayClusters(const std::vector<TimeUs>& moments) {
  std::vector<std::uint64_t> days;
  days.reserve(moments.size());
  for (const TimeUs moment : moments) days.push_back(static_cast<std::uint64_t>(moment / base::kDayUs));
  return days;
}

Result<std::shared_ptr<const TrainingTable>> TrainingTables::Build(const TableRequest& request,
                                                                   const std::function<void(double)>& progress) {
  const auto defined = features_.definitions();
  const feature::TrainingSetDef& set = *SW_TRY(defined->TrainingSet(request.training_set));
  const store::Cut cut = SW_TRY(logbook_.End("source/" + set.source));
  Json extra = Json::MakeObject();
  for (const auto& [name, expression] : request.extra) extra.Set(name, expression);
  const Json provenance = Json::MakeObject(
      {{"training_set", set.name}, {"from", base::FormatTime(request.from)}, {"until", base::FormatTime(request.until)},
       {"source", set.source}, {"cut", store::CutToJson(cut)}, {"service_hash", SW_TRY(feature::ServiceHash(*defined, set.service))},
       {"label", set.label}, {"naive", request.naive}, {"extra", std::move(extra)}});
  const std::string key = KeyOf(request, provenance);
  {
    const std::lock_guard lock(mutex_);
    for (const Kept& kept : kept_) {
      if (kept.key == key) return kept.table;
    }
  }
  const data::Batch all = SW_TRY(features_.Rows(set.source, cut));
  if (all.num_rows() == 0) {
    return FailedPrecondition("training set {}: source {} has no rows yet; load its table (seaworthy features load {}), or push some",
                              set.name, set.source, set.source);
  }
  const feature::Expression label = SW_TRY(CompileFor(fmt::format("training_set.{}.label", set.name), set.label, all.schema()));
  const data::Column labels = SW_TRY(label.Evaluate(all));
  const std::vector<std::size_t> selected = SW_TRY(SelectRows(all, set, request, labels));
  const data::Batch rows = all.Take(selected);
  auto table = std::make_shared<TrainingTable>();
  table->provenance = provenance;
  table->label = AsLabels(SW_TRY(label.Evaluate(rows)));
  const data::Column* moments = SW_TRY(rows.Get(set.moment));
  table->moments.assign(moments->ints().begin(), moments->ints().end());
  table->features = SW_TRY(features_.Join(set.service, rows, table->moments,
                                          {.ignore_availability = request.naive, .cuts = {}, .progress = progress}));
  std::vector<eval::ColumnLineage> checked;
  if (request.naive) checked = SW_TRY(CheckNaive(request, table->features, table->moments));
  if (!request.extra.empty()) {
    const std::vector<TimeUs> available = SW_TRY(feature::AvailabilityOf(rows));
    feature::Availability known;
    for (const auto& [name, text] : request.extra) {
      const auto expression = SW_TRY(CompileFor("extra." + name, text, rows.schema()));
      data::Column column = SW_TRY(expression.Evaluate(rows));
      table->features.AddColumn({name, column.type()}, std::move(column));
      known[name] = available;
    }
    for (auto& column : SW_TRY(feature::CheckLineage(table->features, table->moments, known)).columns) {
      checked.push_back({column.name, column.rows, column.rows_too_late, std::move(column.examples)});
    }
  }
  table->lineage = LineageOf(table->features, std::move(checked));
  table->slices = SW_TRY(rows.Select(set.slices));
  if (!set.id.empty()) {
    const auto id = SW_TRY(CompileFor(fmt::format("training_set.{}.id", set.name), set.id, rows.schema()));
    const data::Column ids = SW_TRY(id.Evaluate(rows));
    for (std::size_t row = 0; row < ids.size(); ++row) table->ids.push_back(ids.ToText(row));
  }
  const std::lock_guard lock(mutex_);
  kept_.push_front({key, table});
  if (kept_.size() > kKept) kept_.pop_back();
  return std::shared_ptr<const TrainingTable>(table);
}

Result<std::vector<eval::ColumnLineage>> TrainingTables::CheckNaive(TableRequest request, const data::Batch& features,
                                                                    const std::vector<TimeUs>& moments) {
  request.naive = false;
  request.extra.clear();
  const auto honest = SW_TRY(Build(request, {}));
  std::vector<eval::ColumnLineage> checked;
  for (std::size_t c = 0; c < features.num_columns(); ++c) {
    checked.push_back(TakenTooEarly(features.schema().fields[c], features.column(c), honest->features.column(c), moments));
  }
  return checked;
}

Result<std::string> TrainingTables::PathInFolder(const std::string& file) const {
  const bool leaves = file.empty() || file.starts_with('/') || file.find("..") != std::string::npos || file.find('\0') != std::string::npos;
  if (leaves) return InvalidArgument("a table is a file below the tables folder, without '..'; found {}", file);
  if (tables_folder_.empty()) return FailedPrecondition("no tables folder is configured; start with --tables DIR");
  return base::JoinPath(tables_folder_, file);
}

Result<std::shared_ptr<const TrainingTable>> TrainingTables::ReadOutside(const std::string& file, const std::string& label,
                                                                         const std::vector<std::string>& slices) const {
  data::Batch all = SW_TRY(data::ReadTable(SW_TRY(PathInFolder(file)), {}));
  const std::string fingerprint = data::Fingerprint(all);
  const std::vector<TimeUs> moments = MomentsIn(all);
  const std::vector<std::size_t> order = OrderByMoment(moments);
  all = all.Take(order);
  auto table = std::make_shared<TrainingTable>();
  for (const std::size_t row : order) table->moments.push_back(moments[row]);
  table->label = AsLabels(*SW_TRY(all.Get(label, file)));
  std::vector<std::string> slices_there;
  for (const std::string& slice : slices) {
    if (all.Find(slice) != nullptr) slices_there.push_back(slice);
  }
  table->slices = SW_TRY(all.Select(slices_there));
  std::vector<std::string> names;
  for (const data::Field& field : all.schema().fields) {
    const bool is_feature = field.name != label && field.name != kMomentColumn && field.name != kIdColumn &&
                            std::find(slices_there.begin(), slices_there.end(), field.name) == slices_there.end();
    if (is_feature) names.push_back(field.name);
  }
  table->features = SW_TRY(all.Select(names));
  table->provenance = Json::MakeObject({{"table", file}, {"fingerprint", fingerprint}, {"label", label}});
  return std::shared_ptr<const TrainingTable>(table);
}

Status TrainingTables::Write(const TrainingTable& table, const std::string& file) const {
  data::Batch out = table.features;
  for (std::size_t c = 0; c < table.slices.num_columns(); ++c) {
    if (out.Find(table.slices.schema().fields[c].name) == nullptr) out.AddColumn(table.slices.schema().fields[c], table.slices.column(c));
  }
  data::Column moments(data::Type::kTimestamp);
  for (const TimeUs moment : table.moments) moments.AppendInt(moment);
  out.AddColumn({kMomentColumn, data::Type::kTimestamp}, std::move(moments));
  if (!table.ids.empty()) {
    data::Column ids(data::Type::kString);
    for (const std::string& id : table.ids) ids.AppendString(id);
    out.AddColumn({kIdColumn, data::Type::kString}, std::move(ids));
  }
  out.AddColumn({"label", data::Type::kFloat64}, table.label);
  return data::WriteParquet(out, SW_TRY(PathInFolder(file)), {.metadata = {{"seaworthy.provenance", table.provenance.Dump()}}});
}

}  // namespace sw::flow
