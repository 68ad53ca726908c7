#include "feature/join.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>

#include "base/errors.h"
#include "feature/conform.h"
#include "feature/online_features.h"

namespace sw::feature {
namespace {

constexpr std::size_t kThreads = 2;
constexpr std::size_t kSliceRows = 2048;       // evaluated by one thread before it looks for more
constexpr std::int64_t kReadRows = 200'000;    // of the stream, in memory with the histories at once

std::string LayoutOf(const std::vector<const ViewPlan*>& views) {
  std::string layout;
  for (const ViewPlan* view : views) {
    layout += view->prefix;
    for (const data::Field& column : view->columns) layout += data::TypeName(column.type);
  }
  return layout;
}

// Never changes a history that somebody may be reading: a longer one takes its place.
Status Extend(const std::vector<const ViewPlan*>& views, const SourceRows& rows, bool ignore_availability,
              SourceHistories& histories) {
  for (const ViewPlan* view : views) {
    EntityTable& table = histories.views[view->name];
    for (auto& [key, more] : SW_TRY(GroupRows(*view, rows, ignore_availability))) {
      std::shared_ptr<const History>& slot = table[key];
      auto longer = slot ? std::make_shared<History>(*slot) : std::make_shared<History>();
      slot ? Merge(*longer, more) : static_cast<void>(*longer = std::move(more));
      longer->index = IndexHistory(*longer);
      slot = std::move(longer);
    }
  }
  return Ok();
}

// What a slice of moments needs of one view.
struct ViewSide {
  const ViewPlan* view = nullptr;
  History empty;                         // of an entity without rows
  std::vector<const History*> histories; // by request row
  const std::vector<std::int64_t>* cuts = nullptr;  // likewise; or none
};

Result<ViewSide> MakeSide(const ViewPlan& view, const EntityTable& table, const data::Batch& requests) {
  ViewSide side;
  side.view = &view;
  side.empty.values = data::Batch(ValuesSchema(view));
  const data::Batch conformed = SW_TRY(ConformTable(requests, view.keys, "the requests"));
  const auto keys = SW_TRY(KeyColumns(view, conformed, "the requests"));
  side.histories.resize(requests.num_rows(), nullptr);
  for (std::size_t row = 0; row < requests.num_rows(); ++row) {
    const auto key = EntityKey(keys, row);
    if (!key) continue;
    const auto found = table.find(*key);
    if (found != table.end()) side.histories[row] = found->second.get();
  }
  return side;
}

using Columns = std::vector<data::Column>;

Result<Columns> EvaluateSlice(const ServicePlan& service, const std::vector<ViewSide>& sides,
                              const std::vector<TimeUs>& moments, std::size_t begin, std::size_t end) {
  Columns columns = EmptyViewColumns(service);
  std::size_t at = 0;
  for (const ServicePlan::Output& output : service.outputs) {
    if (output.is_request) continue;
    const ViewSide& side = sides[output.part];
    const Feature& feature = side.view->features[output.feature];
    data::Column& column = columns[at++];
    column.Reserve(end - begin);
    History scratch;
    for (std::size_t row = begin; row < end; ++row) {
      const History& all = side.histories[row] == nullptr ? side.empty : *side.histories[row];
      const History& history = side.cuts == nullptr ? all : AsOf(all, moments[row], (*side.cuts)[row], scratch);
      AppendValue(SW_TRY(Evaluate(history, feature, moments[row])), column);
    }
  }
  return columns;
}

// Hands slices to threads; each puts its answer into its own place.
class SliceWork {
 public:
  SliceWork(std::size_t rows, std::function<Result<Columns>(std::size_t, std::size_t)> evaluate)
      : rows_(rows), evaluate_(std::move(evaluate)), answers_((rows + kSliceRows - 1) / kSliceRows) {}

  void Run(const std::function<void(double)>& progress) {
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < std::min(kThreads, answers_.size()); ++i) others.emplace_back([this] { Work({}); });
    Work(progress);
  }
  std::vector<std::optional<Result<Columns>>>& answers() { return answers_; }

 private:
  void Work(const std::function<void(double)>& progress) {
    for (std::size_t slice = next_++; slice < answers_.size(); slice = next_++) {
      const std::size_t begin = slice * kSliceRows;
      answers_[slice] = evaluate_(begin, std::min(rows_, begin + kSliceRows));
      if (progress) progress(static_cast<double>(slice + 1) / static_cast<double>(answers_.size()));
    }
  }

  const std::size_t rows_;
  const std::function<Result<Columns>(std::size_t, std::size_t)> evaluate_;
  std::atomic<std::size_t> next_{0};
  std::vector<std::optional<Result<Columns>>> answers_;
};

}  // namespace

Result<std::shared_ptr<const SourceHistories>> HistoryCache::Get(const Plan& plan, const std::string& source,
                                                                 std::int64_t cut, bool ignore_availability) {
  const std::vector<const ViewPlan*> views = plan.ViewsOf(source);
  const std::string layout = LayoutOf(views);
  const std::lock_guard lock(mutex_);
  std::shared_ptr<const SourceHistories> none;  // the naive join is a rare comparison: not kept
  std::shared_ptr<const SourceHistories>& latest = ignore_availability ? none : latest_[source];
  const bool goes_on = latest && latest->layout == layout && latest->cut <= cut;
  if (goes_on && latest->cut == cut) return latest;
  auto histories = goes_on ? std::make_shared<SourceHistories>(*latest) : std::make_shared<SourceHistories>();
  histories->layout = layout;
  for (const ViewPlan* view : views) histories->views[view->name];
  while (histories->cut < cut) {
    const std::int64_t to = std::min(cut, histories->cut + kReadRows);
    const SourceRows rows = SW_TRY(ReadSourceRows(logbook_, source, histories->cut, to, FieldsOf(views)));
    SW_TRY(Extend(views, rows, ignore_availability, *histories));
    histories->cut = to;
  }
  if (!latest || latest->layout != layout || latest->cut <= cut) latest = histories;
  return histories;
}

void HistoryCache::Clear() {
  const std::lock_guard lock(mutex_);
  latest_.clear();
}

Result<data::Batch> JoinFeatures(const ServicePlan& service, const std::vector<const EntityTable*>& tables,
                                 const data::Batch& requests, const std::vector<TimeUs>& moments,
                                 const std::map<std::string, std::vector<std::int64_t>>& row_cuts,
                                 const std::function<void(double)>& progress) {
  if (moments.size() != requests.num_rows()) {
    return InvalidArgument("join: {} moments for {} requests; give one a request", moments.size(), requests.num_rows());
  }
  const Columns request_columns = SW_TRY(EvaluateRequests(service, requests));
  std::vector<ViewSide> sides;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    sides.push_back(SW_TRY(MakeSide(*service.views[i], *tables[i], requests)));
    if (const auto cuts = row_cuts.find(service.views[i]->name); cuts != row_cuts.end()) sides.back().cuts = &cuts->second;
  }
  SliceWork work(moments.size(), [&](std::size_t begin, std::size_t end) {
    return EvaluateSlice(service, sides, moments, begin, end);
  });
  work.Run(progress);
  Columns columns = EmptyViewColumns(service);
  for (auto& answer : work.answers()) {
    const Columns slice = SW_TRY(*std::move(answer));
    for (std::size_t i = 0; i < columns.size(); ++i) columns[i].AppendAll(slice[i]);
  }
  return Assemble(service, std::move(columns), request_columns);
}

Result<std::vector<std::vector<FeatureState>>> JoinStates(const ServicePlan& service, const std::vector<const EntityTable*>& tables,
                                                          const data::Batch& requests, const std::vector<TimeUs>& moments,
                                                          const data::Batch& features) {
  std::vector<ViewSide> sides;
  for (std::size_t i = 0; i < tables.size(); ++i) sides.push_back(SW_TRY(MakeSide(*service.views[i], *tables[i], requests)));
  std::vector<std::vector<FeatureState>> states;
  for (std::size_t i = 0; i < service.outputs.size(); ++i) {
    const ServicePlan::Output& output = service.outputs[i];
    if (output.is_request) {
      states.push_back(RequestStates(features.column(i)));
      continue;
    }
    const ViewSide& side = sides[output.part];
    std::vector<FeatureState>& column = states.emplace_back();
    for (std::size_t row = 0; row < moments.size(); ++row) {
      const History& history = side.histories[row] == nullptr ? side.empty : *side.histories[row];
      column.push_back(StateOf(history, side.view->features[output.feature], moments[row], ValueIn(features.column(i), row)));
    }
  }
  return states;
}

}  // namespace sw::feature
