#include "feast/online_read.h"

#include <algorithm>

#include "base/errors.h"
#include "feast/objects.h"
#include "feast/values.h"

namespace sw::feast {
namespace {

namespace core = ::feast::core;

Status CheckServed(const View& view) {
  if (view.kind == ViewKind::kOnDemand) {
    return Unimplemented("{} is an on-demand feature view: its values are computed by Python code, which this server does not run", view.name);
  }
  if (!view.enabled) {
    return FailedPrecondition("Feature view '{}' is disabled and cannot serve features. Enable it with `feast feature-views enable {}` or set enabled=True.",
                              view.name, view.name);
  }
  for (const Field& key : view.keys) SW_TRY(CheckKeyType(key));
  return Ok();
}

std::string RequestName(const WantedView& wanted, const std::string& key) {
  const auto mapped = wanted.join_key_map.find(key);
  return mapped == wanted.join_key_map.end() ? key : mapped->second;
}

// For each view, where its keys' columns are.
using Sources = std::vector<std::vector<const KeyColumn*>>;

Result<Sources> FindColumns(const OnlinePlan& plan, std::span<const KeyColumn> columns) {
  Sources sources;
  for (const OnlinePlan::ViewPlan& view : plan.views()) {
    std::vector<const KeyColumn*>& found = sources.emplace_back();
    std::vector<std::string> missing;
    for (const std::string& key : view.keys) {
      const auto column = std::ranges::find(columns, key, &KeyColumn::name);
      if (column == columns.end()) missing.push_back(key);
      else found.push_back(&*column);
    }
    if (missing.empty()) continue;
    std::vector<std::string_view> given;
    for (const KeyColumn& column : columns) given.push_back(column.name);
    return InvalidArgument("Missing join key values for keys: {} of feature view {}. Provided join_key_values: {}", missing, view.view->name, given);
  }
  return sources;
}

// All keys of a request, one behind the other.
struct Keys {
  std::string bytes;
  std::vector<std::size_t> ends;
  std::vector<std::string_view> Views() const {
    std::vector<std::string_view> views(ends.size());
    for (std::size_t i = 0; i < ends.size(); ++i) {
      const std::size_t begin = i == 0 ? 0 : ends[i - 1];
      views[i] = std::string_view(bytes).substr(begin, ends[i] - begin);
    }
    return views;
  }
};

// Row by row, so that views of one entity, which lie side by side, are read one after the other.
Keys MakeKeys(const OnlinePlan& plan, const Sources& sources, std::size_t row_count) {
  Keys keys;
  keys.ends.reserve(row_count * plan.views().size());
  keys.bytes.reserve(row_count * plan.views().size() * 64);
  std::vector<KeyValue> values;
  std::string entity;
  for (std::size_t row = 0; row < row_count; ++row) {
    for (std::size_t v = 0; v < plan.views().size(); ++v) {
      const OnlinePlan::ViewPlan& view = plan.views()[v];
      values.clear();
      for (const KeyColumn* column : sources[v]) values.push_back(column->values[row]);
      entity.clear();
      view.key_format.Append(values, entity);
      AppendRowKey(plan.project().name(), entity, view.view->name, keys.bytes);
      keys.ends.push_back(keys.bytes.size());
    }
  }
  return keys;
}

// Where the features of today stand in records of other layouts.
class OlderLayouts {
 public:
  explicit OlderLayouts(const OnlineRows& rows) : rows_(rows) {}
  Result<const std::vector<std::int32_t>*> Places(const RowLayout& wanted, std::uint64_t id) {
    const auto [found, is_new] = places_.try_emplace({wanted.id, id});
    if (!is_new) return &found->second;
    const auto layout = SW_TRY(rows_.Layout(id));
    for (const std::string& name : wanted.names) {
      const auto place = std::ranges::find(layout->names, name);
      found->second.push_back(place == layout->names.end() ? -1 : static_cast<std::int32_t>(place - layout->names.begin()));
    }
    return &found->second;
  }

 private:
  const OnlineRows& rows_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<std::int32_t>> places_;
};

// As old as the ttl is young enough; what lies in the future is.
bool IsTooOld(TimeUs event, DurationUs ttl, TimeUs now) {
  std::int64_t age = 0;
  return ttl > 0 && !__builtin_sub_overflow(now, event, &age) && age > ttl;
}

}  // namespace

Result<std::shared_ptr<const OnlinePlan>> OnlinePlan::Make(std::shared_ptr<const Project> project, const std::vector<WantedView>& wanted,
                                                           bool full_feature_names) {
  SW_TRY(CheckNames(wanted, full_feature_names));
  auto plan = std::make_shared<OnlinePlan>();
  for (const core::Entity& entity : project->snapshot()->entities()) {
    if (!IsOf(entity, project->name())) continue;
    const std::string& join_key = entity.spec().join_key().empty() ? entity.spec().name() : entity.spec().join_key();
    for (const std::string& name : {entity.spec().name(), join_key}) plan->keys_.insert_or_assign(name, Key{.name = join_key});
  }
  for (const WantedView& target : wanted) {
    const View& view = *target.view;
    SW_TRY(CheckServed(view));
    ViewPlan made{.view = &view, .alias = target.alias, .keys = {}, .key_format = EntityKeyFormat(view.keys), .layout = RowLayout::Of(view.features), .features = target.features};
    for (std::size_t i = 0; i < view.keys.size(); ++i) {
      const std::string name = RequestName(target, view.keys[i].name);
      made.keys.push_back(name);
      const bool is_mapped = name != view.keys[i].name;
      for (const std::string& alias : {is_mapped ? name : view.entities[i], name}) plan->keys_.insert_or_assign(alias, Key{name, view.keys[i].type});
    }
    for (const std::size_t feature : target.features) {
      const std::string& name = view.features[feature].name;
      plan->names_.push_back(full_feature_names ? fmt::format("{}__{}", target.alias, name) : name);
    }
    plan->views_.push_back(std::move(made));
  }
  plan->project_ = std::move(project);
  return plan;
}

const OnlinePlan::Key* OnlinePlan::FindKey(std::string_view name) const {
  const auto found = keys_.find(name);
  return found == keys_.end() ? nullptr : &found->second;
}

OnlineAnswer::Status OnlineAnswer::Entry::StatusOf(std::size_t feature) const {
  if (status != ::feast::serving::PRESENT) return status;
  if (places != nullptr && (*places)[feature] < 0) return ::feast::serving::NOT_FOUND;
  return IsNullValue(Value(feature)) ? ::feast::serving::NULL_VALUE : ::feast::serving::PRESENT;
}

Status ReadOnline(const OnlineRows& rows, const OnlinePlan& plan, std::span<const KeyColumn> columns, std::size_t row_count, TimeUs now,
                  const std::function<Status(const OnlineAnswer&)>& visit) {
  if (row_count > kValuesMax / std::max<std::size_t>(plan.names().size(), 1)) {
    return ResourceExhausted("{} entities with {} features each are more than the {} values that one answer may have; ask for fewer at once", row_count,
                             plan.names().size(), kValuesMax);
  }
  const Keys keys = MakeKeys(plan, SW_TRY(FindColumns(plan, columns)), row_count);
  return rows.Visit(keys.Views(), [&](OnlineRows::Rows found) -> Status {
    OlderLayouts older(rows);
    OnlineAnswer answer;
    answer.rows_ = row_count;
    answer.views_ = plan.views().size();
    answer.entries_.resize(found.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (!found[i]) continue;
      const OnlinePlan::ViewPlan& view = plan.views()[i % answer.views_];
      OnlineAnswer::Entry& entry = answer.entries_[i];
      entry.row = &*found[i];
      entry.event = entry.row->event();
      entry.status = IsTooOld(entry.event, view.view->ttl, now) ? ::feast::serving::OUTSIDE_MAX_AGE : ::feast::serving::PRESENT;
      if (entry.row->layout() != view.layout.id) entry.places = SW_TRY(older.Places(view.layout, entry.row->layout()));
    }
    return visit(answer);
  });
}

}  // namespace sw::feast
