#include "feature/table_join.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <unordered_set>
#include <utility>

#include "base/errors.h"
#include "feature/arrival.h"
#include "feature/clustered_rows.h"
#include "feature/conform.h"
#include "feature/history.h"
#include "feature/newest_slots.h"
#include "feature/online_features.h"
#include "feature/plan.h"
#include "feature/source.h"

namespace sw::feature {
namespace {

constexpr std::size_t kThreadsMax = 8;
constexpr double kReadShare = 0.7;  // of the work, for the progress

std::size_t Threads() { return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kThreadsMax); }

// Runs work(thread) on each thread; the first error.
Status OnThreads(std::size_t threads, const std::function<Status(std::size_t thread)>& work) {
  std::vector<Status> said(threads);
  {
    std::vector<std::jthread> others;
    for (std::size_t thread = 1; thread < threads; ++thread) others.emplace_back([&, thread] { said[thread] = work(thread); });
    said[0] = work(0);
  }
  for (const Status& status : said) SW_TRY(status);
  return Ok();
}

// A column whose rows are filled in any order, by several threads.
class Unordered {
 public:
  Unordered(data::Type type, std::size_t rows, const FeatureValue& all) : type_(type), nulls_(rows, 0) {
    type == data::Type::kString ? texts_.resize(rows) : bits_.resize(rows);
    for (std::size_t row = 0; row < rows; ++row) Set(row, all);
  }
  void Set(std::size_t row, FeatureValue value) {
    nulls_[row] = value.index() == 0;
    if (auto* text = std::get_if<std::string>(&value)) texts_[row] = std::move(*text);
    if (const auto* whole = std::get_if<std::int64_t>(&value)) bits_[row] = static_cast<std::uint64_t>(*whole);
    if (const auto* real = std::get_if<double>(&value)) bits_[row] = std::bit_cast<std::uint64_t>(*real);
  }
  data::Column Finish() {
    data::Column column(type_);
    column.Reserve(nulls_.size());
    for (std::size_t row = 0; row < nulls_.size(); ++row) {
      if (nulls_[row] != 0) {
        column.AppendNull();
      } else if (type_ == data::Type::kString) {
        column.AppendString(texts_[row]);
      } else if (type_ == data::Type::kFloat64) {
        column.AppendDouble(std::bit_cast<double>(bits_[row]));
      } else {
        column.AppendInt(static_cast<std::int64_t>(bits_[row]));
      }
    }
    *this = Unordered(type_, 0, {});
    return column;
  }

 private:
  data::Type type_;
  std::vector<std::uint8_t> nulls_;
  std::vector<std::uint64_t> bits_;
  std::vector<std::string> texts_;
};

// How rows get the name that orders those of one moment, and that shows which came twice.
enum class Naming : std::uint8_t {
  kNone,     // none has one: right as long as no entity has two rows of one moment
  kContent,  // by all of their content: a row that comes twice has the same moment, too
  kDeclared  // by columns: a row that comes twice may differ, and the first counts
};

struct LabelRef {
  std::uint64_t hash = 0;
  std::size_t row = 0;
};

// One view of the service: its rows, and what its features are for each label.
class ViewJoin {
 public:
  ViewJoin(const ViewPlan& view, const std::vector<TimeUs>& moments) : view_(view), moments_(moments) {}

  const ViewPlan& view() const { return view_; }

  Status ReadLabels(const data::Batch& labels) {
    labels_ = SW_TRY(ConformTable(labels, view_.keys, "the labels"));
    const auto keys = SW_TRY(KeyColumns(view_, labels_, "the labels"));
    for (std::size_t row = 0; row < labels_.num_rows(); ++row) {
      const auto key = EntityKey(keys, row);
      if (!key) continue;
      const std::uint64_t hash = ClusteredRows::HashOf(*key);
      refs_[ClusteredRows::PartOf(hash)].push_back({hash, row});
      asked_for_.Add(hash);
    }
    return Ok();
  }

  // Forgets the rows, for another reading.
  Status Begin(const TableJoinOptions& options, Naming naming) {
    slots_ = nullptr;
    rows_ = nullptr;
    if (naming == Naming::kNone && NewestSlots::Suits(view_)) {
      slots_ = std::make_unique<NewestSlots>(view_, SW_TRY(KeyColumns(view_, labels_, "the labels")), moments_);
    }
    if (!slots_) rows_ = std::make_unique<ClusteredRows>(view_, ClusteredRows::Options{.lanes = Threads(), .memory_bytes_max = options.memory_bytes_max, .spill_folder = options.spill_folder});
    columns_.clear();
    happened_ = hidden_ = 0;
    History none;
    none.values = data::Batch(ValuesSchema(view_));
    for (std::size_t i = 0; i < view_.features.size(); ++i) {
      columns_.emplace_back(view_.outputs[i].type, moments_.size(), SW_TRY(Evaluate(none, view_.features[i], 0)));
    }
    return Ok();
  }
  Status Add(std::size_t lane, const SourceRows& rows, bool ignore_availability) {
    return slots_ ? slots_->Add(rows, ignore_availability) : rows_->Add(lane, rows, ignore_availability, asked_for_);
  }

  Status JoinPart(std::size_t part) {
    if (slots_) return TakeSlots(part);
    const auto keys = SW_TRY(KeyColumns(view_, labels_, "the labels"));
    std::vector<LabelRef>& refs = refs_[part];
    std::ranges::sort(refs, {}, &LabelRef::hash);
    const auto is_wanted = [&](std::uint64_t hash) { return std::ranges::binary_search(refs, hash, {}, &LabelRef::hash); };
    return rows_->ForEachEntity(part, is_wanted, [&](std::string_view key, const History& history) -> Status {
      const std::uint64_t hash = ClusteredRows::HashOf(key);
      for (auto ref = std::ranges::lower_bound(refs, hash, {}, &LabelRef::hash); ref != refs.end() && ref->hash == hash; ++ref) {
        if (EntityKey(keys, ref->row) == key) SW_TRY(Fill(history, ref->row));
      }
      return Ok();
    });
  }

  bool HasRepeats() const { return slots_ ? slots_->HasTies() : rows_->repeats() > 0; }
  TableJoin::Matches matches() const { return {happened_.load(), hidden_.load()}; }
  data::Column Finish(std::size_t feature) { return columns_[feature].Finish(); }

 private:
  Status TakeSlots(std::size_t part) {
    slots_->Settle(part);
    for (const LabelRef& ref : refs_[part]) {
      if (slots_->HasHappened(ref.row)) {
        ++happened_;
        if (!slots_->IsSeen(ref.row)) ++hidden_;
      }
      for (std::size_t i = 0; i < view_.features.size(); ++i) columns_[i].Set(ref.row, slots_->Value(ref.row, i));
    }
    return Ok();
  }
  Status Fill(const History& history, std::size_t row) {
    const TimeUs t = moments_[row];
    const auto happened = std::ranges::upper_bound(history.event_time, t) - history.event_time.begin();
    if (happened > 0) ++happened_;
    if (happened > 0 && std::none_of(history.available_at.begin(), history.available_at.begin() + happened, [t](TimeUs at) { return at <= t; })) ++hidden_;
    for (std::size_t i = 0; i < view_.features.size(); ++i) columns_[i].Set(row, SW_TRY(Evaluate(history, view_.features[i], t)));
    return Ok();
  }

  const ViewPlan& view_;
  const std::vector<TimeUs>& moments_;
  data::Batch labels_;  // their keys
  std::array<std::vector<LabelRef>, ClusteredRows::kParts> refs_;
  KeyFilter asked_for_;
  std::unique_ptr<NewestSlots> slots_;  // or
  std::unique_ptr<ClusteredRows> rows_;
  std::vector<Unordered> columns_;
  std::atomic<std::size_t> happened_{0}, hidden_{0};
};

// One source: read in blocks, of the columns that the views need.
class SourceJoin {
 public:
  SourceJoin(const SourceDef& source, const TableJoinOptions& options) : source_(source), options_(options) {}

  Status Open(const Definitions& definitions) {
    lookups_ = SW_TRY(LoadLookups(source_, options_.tables_folder));
    raw_ = SW_TRY(ReadSourceSchema(source_, options_.tables_folder));
    schema_ = SW_TRY(DeriveSchema(source_, raw_, lookups_));
    return CheckColumns(definitions, source_, schema_);
  }
  const data::Schema& schema() const { return schema_; }
  std::size_t rows() const { return rows_; }

  Status Join(const std::vector<ViewJoin*>& views, const std::function<void(double)>& progress) {
    const bool is_named = source_.is_static || !source_.dedupe.empty();
    SW_TRY(JoinOnce(views, !is_named ? Naming::kNone : source_.dedupe.empty() ? Naming::kContent : Naming::kDeclared, progress));
    const bool is_unclear = !is_named && std::ranges::any_of(views, &ViewJoin::HasRepeats);
    return is_unclear ? JoinOnce(views, Naming::kContent, progress) : Ok();
  }

 private:
  Status JoinOnce(const std::vector<ViewJoin*>& views, Naming naming, const std::function<void(double)>& progress) {
    for (ViewJoin* view : views) SW_TRY(view->Begin(options_, naming));
    SW_TRY(Read(views, naming, progress));
    std::atomic<std::size_t> next{0}, done{0};
    return OnThreads(Threads(), [&](std::size_t thread) -> Status {
      for (std::size_t part = next++; part < ClusteredRows::kParts; part = next++) {
        for (ViewJoin* view : views) SW_TRY(view->JoinPart(part));
        if (++done; thread == 0 && progress) progress(kReadShare + (1 - kReadShare) * static_cast<double>(done) / ClusteredRows::kParts);
      }
      return Ok();
    });
  }

  Status Read(const std::vector<ViewJoin*>& views, Naming naming, const std::function<void(double)>& progress) {
    NarrowSource narrow{source_, {}};
    if (naming != Naming::kContent) narrow = SW_TRY(Narrow(source_, raw_, Needed(views)));
    const auto reader = SW_TRY(OpenSourceTable(source_, options_.tables_folder, narrow.raw_columns, options_.block_rows));
    std::mutex mutex;  // guards the reader: decoding takes little beside what follows
    std::atomic<std::size_t> rows{0};
    std::unordered_set<RowName, RowNameHash> seen;
    const std::size_t threads = naming == Naming::kDeclared ? 1 : Threads();  // the first row of a name counts
    SW_TRY(OnThreads(threads, [&](std::size_t thread) -> Status {
      while (true) {
        double fraction = 0;
        std::optional<data::Batch> block;
        {
          const std::lock_guard lock(mutex);
          block = SW_TRY(reader->Next());
          fraction = reader->fraction();
        }
        if (!block) return Ok();
        Arrival arrival = SW_TRY(MakeArrival(narrow.source, SW_TRY(DeriveRows(narrow.source, *std::move(block), lookups_)), naming != Naming::kNone));
        if (naming == Naming::kDeclared) arrival = FirstOfEach(std::move(arrival), seen);
        rows += arrival.num_rows();
        const SourceRows taken = RowsOf(std::move(arrival));
        for (ViewJoin* view : views) SW_TRY(view->Add(thread, taken, options_.ignore_availability));
        if (thread == 0 && progress) progress(kReadShare * fraction);
      }
    }));
    rows_ = rows;
    return Ok();
  }

  static SourceRows RowsOf(Arrival arrival) {
    SourceRows rows{.event_time = std::move(arrival.event_time), .available_at = std::move(arrival.available_at), .tie = {}, .columns = std::move(arrival.columns)};
    rows.tie.reserve(arrival.id.size());
    for (const std::string& id : arrival.id) rows.tie.push_back(TieOf(id));
    return rows;
  }

  static std::set<std::string> Needed(const std::vector<ViewJoin*>& views) {
    std::set<std::string> needed;
    for (const ViewJoin* view : views) {
      for (const data::Field& field : FieldsOf({&view->view()})) needed.insert(field.name);
    }
    return needed;
  }

  static Arrival FirstOfEach(Arrival arrival, std::unordered_set<RowName, RowNameHash>& seen) {
    std::vector<std::size_t> kept;
    for (std::size_t row = 0; row < arrival.num_rows(); ++row) {
      if (seen.insert(NameOf(arrival.id[row])).second) kept.push_back(row);
    }
    return kept.size() == arrival.num_rows() ? std::move(arrival) : Take(arrival, kept);
  }

  const SourceDef& source_;
  const TableJoinOptions& options_;
  LookupTables lookups_;
  data::Schema raw_, schema_;
  std::size_t rows_ = 0;
};

std::set<std::string> SourcesOf(const Definitions& defined, const ServiceDef& service) {
  std::set<std::string> sources;
  for (const std::string& feature : service.features) {
    const auto view = defined.views.find(feature.substr(0, feature.find('.')));
    if (view != defined.views.end()) sources.insert(view->second.source);
  }
  return sources;
}

std::function<void(double)> Part(const std::function<void(double)>& whole, std::size_t number, std::size_t of) {
  if (!whole) return {};
  return [=](double done) { whole((static_cast<double>(number) + done) / static_cast<double>(of)); };
}

}  // namespace

Result<TableJoin> JoinFromTables(std::shared_ptr<const Definitions> definitions, std::string_view service, const data::Batch& labels,
                                 const std::vector<TimeUs>& moments, const TableJoinOptions& options) {
  const std::set<std::string> names = SourcesOf(*definitions, *SW_TRY(definitions->Service(service)));
  std::map<std::string, SourceJoin> sources;
  std::map<std::string, data::Schema> schemas;
  for (const std::string& name : names) {
    SourceJoin& source = sources.try_emplace(name, *SW_TRY(definitions->Source(name)), options).first->second;
    SW_TRY(source.Open(*definitions));
    schemas[name] = source.schema();
  }
  const auto plan = SW_TRY(MakePlan(definitions, std::move(schemas)));
  const ServicePlan& planned = *SW_TRY(plan->Service(service));
  const std::vector<data::Column> request_columns = SW_TRY(EvaluateRequests(planned, labels));
  std::vector<std::unique_ptr<ViewJoin>> views;
  for (const ViewPlan* view : planned.views) {
    views.push_back(std::make_unique<ViewJoin>(*view, moments));
    SW_TRY(views.back()->ReadLabels(labels));
  }
  TableJoin joined;
  std::size_t number = 0;
  for (auto& [name, source] : sources) {
    std::vector<ViewJoin*> of_source;
    for (const auto& view : views) {
      if (view->view().source == name) of_source.push_back(view.get());
    }
    SW_TRY(source.Join(of_source, Part(options.progress, number++, sources.size())));
    joined.source_rows[name] = source.rows();
  }
  std::vector<data::Column> columns;
  for (const ServicePlan::Output& output : planned.outputs) {
    if (!output.is_request) columns.push_back(views[output.part]->Finish(output.feature));
  }
  for (const auto& view : views) {
    if (!view->view().is_static) joined.matches[view->view().name] = view->matches();
  }
  joined.features = Assemble(planned, std::move(columns), request_columns);
  return joined;
}

}  // namespace sw::feature
