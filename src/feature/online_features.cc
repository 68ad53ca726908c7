#include "feature/online_features.h"

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "base/errors.h"
#include "feature/conform.h"
#include "feature/lifetime.h"
#include "feature/online_layout.h"

namespace sw::feature {
namespace {

using Values = store::OnlineStore::Values;

// New rows that go under one online key: a stretch of an entity's history.
struct Stretch {
  std::string key;
  const History* rows = nullptr;
  std::size_t begin = 0, end = 0;
};

std::vector<Stretch> ByChunk(const ViewPlan& view, const Entities& entities) {
  std::vector<Stretch> stretches;
  for (const auto& [key, history] : entities) {
    for (std::size_t row = 0; row < history.num_rows();) {
      const std::size_t begin = row;
      const std::int64_t chunk = ChunkOf(view, history.event_time[begin]);
      while (row < history.num_rows() && ChunkOf(view, history.event_time[row]) == chunk) ++row;
      if (history.event_time[begin] == kAlways) continue;  // before any window
      stretches.push_back({ChunkKey(view, key, chunk), &history, begin, row});
    }
  }
  return stretches;
}

Status FoldChunks(store::OnlineStore& online, const ViewPlan& view, const Entities& entities,
                  std::vector<store::OnlineWrite>& writes) {
  const std::vector<Stretch> stretches = ByChunk(view, entities);
  std::vector<std::string> keys;
  keys.reserve(stretches.size());
  for (const Stretch& stretch : stretches) keys.push_back(stretch.key);
  const Values values = SW_TRY(online.GetNow(keys));
  const data::Schema schema = ValuesSchema(view);
  for (std::size_t i = 0; i < stretches.size(); ++i) {
    History chunk;
    chunk.values = data::Batch(schema);
    if (values[i]) SW_TRY(DecodeHistory(*values[i], chunk));
    Merge(chunk, *stretches[i].rows, stretches[i].begin, stretches[i].end);
    writes.push_back({std::move(keys[i]), EncodeHistory(chunk)});
  }
  return Ok();
}

Status FoldLifetimes(store::OnlineStore& online, const ViewPlan& view, const Entities& entities,
                     std::vector<store::OnlineWrite>& writes) {
  std::vector<std::string> keys;
  for (const auto& [key, rows] : entities) keys.push_back(LifetimeKey(view, key));
  const Values values = SW_TRY(online.GetNow(keys));
  std::size_t index = 0;
  for (const auto& [key, rows] : entities) {
    LifetimeRecord record = values[index] ? SW_TRY(DecodeLifetime(view, *values[index])) : EmptyLifetime(view);
    Add(view, rows, record);
    writes.push_back({keys[index], EncodeLifetime(view, record)});
    ++index;
  }
  return Ok();
}

void AddKeys(const ViewPlan& view, const std::string& entity, TimeUs t, std::vector<std::string>& keys, Lookup::View& into) {
  Lookup::Entity read{.first = keys.size(), .chunks = 0};
  if (view.window_max > 0) {
    const std::int64_t last = ChunkOf(view, t);
    for (std::int64_t chunk = ChunkOf(view, WindowStart(t, view.window_max)); chunk <= last; ++chunk) {
      keys.push_back(ChunkKey(view, entity, chunk));
      ++read.chunks;
    }
  }
  if (view.has_lifetime) keys.push_back(LifetimeKey(view, entity));
  into.entities.push_back(read);
}

Result<Lookup::View> LookUp(const ViewPlan& view, const data::Batch& requests, TimeUs t, std::vector<std::string>& keys) {
  Lookup::View into;
  const data::Batch conformed = SW_TRY(ConformTable(requests, view.keys, "the requests"));
  const auto columns = SW_TRY(KeyColumns(view, conformed, "the requests"));
  std::unordered_map<std::string, std::size_t> known;
  for (std::size_t row = 0; row < requests.num_rows(); ++row) {
    const auto entity = EntityKey(columns, row);
    if (!entity) {
      into.entity_of.push_back(-1);
      continue;
    }
    const auto [found, is_new] = known.try_emplace(*entity, into.entities.size());
    if (is_new) AddKeys(view, *entity, t, keys, into);
    if (keys.size() > kLookupKeysMax) {
      return ResourceExhausted("the requests need more than {} online values; send fewer rows at once", kLookupKeysMax);
    }
    into.entity_of.push_back(static_cast<std::int64_t>(found->second));
  }
  return into;
}

// An entity's rows as the online store holds them.
struct OnlineEntity {
  History rows;
  LifetimeRecord lifetime;
};

Result<OnlineEntity> Decode(const ViewPlan& view, const Lookup::Entity& read, const Values& values) {
  OnlineEntity entity;
  entity.rows.values = data::Batch(ValuesSchema(view));
  std::size_t at = read.first;
  for (; at < read.first + read.chunks; ++at) {
    if (values[at]) SW_TRY(DecodeHistory(*values[at], entity.rows));
  }
  if (view.has_lifetime) {
    entity.lifetime = values[at] ? SW_TRY(DecodeLifetime(view, *values[at])) : EmptyLifetime(view);
  }
  return entity;
}

struct EntityAnswer {
  std::vector<FeatureValue> values;  // a feature of the view each
  std::vector<FeatureState> states;  // likewise, where they are asked for
};

// Nothing when t is too early for a lifetime record.
Result<std::optional<EntityAnswer>> EvaluateEntity(const ViewPlan& view, const OnlineEntity& entity, TimeUs t, bool with_states) {
  if (view.has_lifetime && t < entity.lifetime.through) return std::nullopt;
  EntityAnswer answer;
  answer.values.reserve(view.features.size());
  for (std::size_t i = 0; i < view.features.size(); ++i) {
    const Feature& feature = view.features[i];
    const bool has_window = feature.window > 0;
    answer.values.push_back(has_window ? SW_TRY(Evaluate(entity.rows, feature, t)) : SW_TRY(EvaluateLifetime(view, entity.lifetime, i, t)));
    if (with_states) answer.states.push_back(StateOf(has_window ? entity.rows : entity.lifetime.rows, feature, t, answer.values.back()));
  }
  return answer;
}

OnlineEntity EmptyEntity(const ViewPlan& view) {
  OnlineEntity entity;
  entity.rows.values = data::Batch(ValuesSchema(view));
  entity.lifetime = EmptyLifetime(view);
  return entity;
}

}  // namespace

Result<std::vector<store::OnlineWrite>> FoldRows(store::OnlineStore& online, const ViewPlan& view, const SourceRows& rows) {
  const Entities entities = SW_TRY(GroupRows(view, rows, false));
  std::vector<store::OnlineWrite> writes;
  if (view.window_max > 0) SW_TRY(FoldChunks(online, view, entities, writes));
  if (view.has_lifetime) SW_TRY(FoldLifetimes(online, view, entities, writes));
  return writes;
}

Result<Lookup> MakeLookup(const ServicePlan& service, const data::Batch& requests, TimeUs t) {
  Lookup lookup;
  for (const ViewPlan* view : service.views) lookup.views.push_back(SW_TRY(LookUp(*view, requests, t, lookup.keys)));
  lookup.cuts = lookup.keys.size();
  for (const ViewPlan* view : service.views) lookup.keys.push_back(OffsetKey(*view));
  return lookup;
}

std::vector<std::int64_t> CutsOf(const ServicePlan& service, const Lookup& lookup, const Values& values) {
  std::vector<std::int64_t> cuts;
  for (std::size_t i = 0; i < service.views.size(); ++i) cuts.push_back(ParseOffset(values[lookup.cuts + i]));
  return cuts;
}

data::Batch ReadOf(const ServicePlan& service, const std::vector<std::int64_t>& cuts) {
  data::Batch read(service.read);
  read.column(0).AppendString(service.hash);
  for (std::size_t i = 0; i < cuts.size(); ++i) read.column(i + 1).AppendInt(cuts[i]);
  return read;
}

std::vector<FeatureState> RequestStates(const data::Column& column) {
  std::vector<FeatureState> states(column.size());
  for (std::size_t row = 0; row < column.size(); ++row) states[row].status = column.IsNull(row) ? FeatureStatus::kNull : FeatureStatus::kPresent;
  return states;
}

Result<std::optional<data::Batch>> Answer(const ServicePlan& service, const Lookup& lookup,
                                          const std::vector<data::Column>& request_columns, std::size_t rows, TimeUs t,
                                          const Values& values, FeatureStates* states_or_null) {
  const bool with_states = states_or_null != nullptr;
  std::vector<std::vector<EntityAnswer>> entities(service.views.size());  // by view
  for (std::size_t i = 0; i < service.views.size(); ++i) {
    const ViewPlan& view = *service.views[i];
    for (const Lookup::Entity& read : lookup.views[i].entities) {
      auto entity = SW_TRY(EvaluateEntity(view, SW_TRY(Decode(view, read, values)), t, with_states));
      if (!entity) return std::nullopt;
      entities[i].push_back(*std::move(entity));
    }
    entities[i].push_back(*SW_TRY(EvaluateEntity(view, EmptyEntity(view), t, with_states)));  // last: of rows without a key
  }
  std::vector<data::Column> columns = EmptyViewColumns(service);
  std::size_t column = 0;
  for (const ServicePlan::Output& output : service.outputs) {
    if (with_states) states_or_null->emplace_back();
    if (output.is_request) continue;
    const auto& of_view = entities[output.part];
    for (std::size_t row = 0; row < rows; ++row) {
      const std::int64_t number = lookup.views[output.part].entity_of[row];
      const EntityAnswer& entity = number < 0 ? of_view.back() : of_view[static_cast<std::size_t>(number)];
      AppendValue(entity.values[output.feature], columns[column]);
      if (with_states) states_or_null->back().push_back(entity.states[output.feature]);
    }
    ++column;
  }
  data::Batch features = Assemble(service, std::move(columns), request_columns);
  for (std::size_t i = 0; with_states && i < service.outputs.size(); ++i) {
    if (service.outputs[i].is_request) (*states_or_null)[i] = RequestStates(features.column(i));
  }
  return features;
}

Result<std::vector<data::Column>> EvaluateRequests(const ServicePlan& service, const data::Batch& requests) {
  std::vector<data::Column> columns;
  for (const RequestPlan* request : service.requests) {
    const data::Batch inputs = SW_TRY(ConformTable(requests, request->inputs, "the requests"));
    for (std::size_t i = 0; i < request->expressions.size(); ++i) {
      auto column = request->expressions[i].Evaluate(inputs);
      if (!column) return std::unexpected(std::move(column).error().Within("request." + request->outputs[i].name));
      columns.push_back(*std::move(column));
    }
  }
  return columns;
}

data::Batch Assemble(const ServicePlan& service, std::vector<data::Column> view_columns,
                     const std::vector<data::Column>& request_columns) {
  std::vector<std::size_t> first_of;  // by request: its first column
  std::size_t count = 0;
  for (const RequestPlan* request : service.requests) {
    first_of.push_back(count);
    count += request->outputs.size();
  }
  data::Batch batch;
  std::size_t view_column = 0;
  for (std::size_t i = 0; i < service.outputs.size(); ++i) {
    const ServicePlan::Output& output = service.outputs[i];
    batch.AddColumn(service.schema.fields[i], output.is_request ? request_columns[first_of[output.part] + output.feature]
                                                                : std::move(view_columns[view_column++]));
  }
  return batch;
}

std::vector<data::Column> EmptyViewColumns(const ServicePlan& service) {
  std::vector<data::Column> columns;
  for (std::size_t i = 0; i < service.outputs.size(); ++i) {
    if (!service.outputs[i].is_request) columns.emplace_back(service.schema.fields[i].type);
  }
  return columns;
}

void AppendValue(const FeatureValue& value, data::Column& column) {
  if (std::holds_alternative<std::monostate>(value)) {
    column.AppendNull();
  } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
    column.AppendInt(*number);
  } else if (const auto* real = std::get_if<double>(&value)) {
    column.AppendDouble(*real);
  } else {
    column.AppendString(std::get<std::string>(value));
  }
}

}  // namespace sw::feature
