// Definitions: sources, entities, views, request features, services and training sets, as one reads
// them from seaworthy.toml. Values; immutable once published.
//
//   Definitions defined = SW_TRY(ParseDefinitions(config));     // config: the TOML file as Json
//   const ServiceDef& service = *SW_TRY(defined.Service("late_v1"));
//
// An error begins with the key it is about, as a path from the root of the file
// ("view.origin_delays.features.mean_1h.window: expected a duration such as \"3h\", found 3"), so that
// the caller can put file and line in front of it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "data/schema.h"
#include "feature/kernel.h"

namespace sw::feature {

// A table whose columns are joined to a source's rows by key (airport -> time zone).
struct LookupDef {
  std::string name;
  std::string table;                  // a location as in data/readers.h
  std::string key;                    // column of the lookup table
  std::string on;                     // column of the source
  std::vector<std::string> columns;   // taken; named as in the lookup table
  Json rows;                          // array of objects: rows that the table lacks; they win
};

struct ComputedColumn {
  std::string name;
  std::string expression;             // feature/expression.h; a source's may use its other computed ones
};

struct SourceDef {
  std::string name;
  std::string table;                  // empty: rows only come by push
  std::vector<std::string> null_values;
  std::map<std::string, data::Type> types;
  std::vector<LookupDef> lookups;
  std::vector<ComputedColumn> columns; // each after those that it reads
  std::string where;                  // rows for which this is not true are dropped; empty: none
  bool is_static = false;             // a dimension without time: always visible
  std::string event_time;             // column; required unless static
  std::string created_time;           // column: when the row became known; empty: at its event
  DurationUs delay = 0;               // available_at = max(event_time + delay, created_time)
  std::vector<std::string> dedupe;    // columns that name a row; empty: its whole content
};

struct EntityDef {
  std::string name;
  std::vector<data::Field> keys;      // in declared order
};

// "quantile(amount, 0.9)"
struct TermDef {
  Aggregate aggregate = Aggregate::kLast;
  std::string column;                 // of the source; for `count(*)`: "*"
  double parameter = 0;               // as Term's
};

struct FeatureDef {
  std::string name;                   // within its view
  Aggregate aggregate = Aggregate::kLast;
  std::string column;
  DurationUs window = 0;              // 0: all of the history
  bool strict = false;
  double parameter = 0;
  std::optional<TermDef> divisor = std::nullopt;  // of a ratio
  DurationUs hop = 0;                 // 0: exact at both edges
  WindowKind kind = WindowKind::kSliding;
  DurationUs ttl = 0;                 // as Feature's

  std::vector<TermDef> Terms() const {
    std::vector<TermDef> terms = {{aggregate, column, parameter}};
    if (divisor) terms.push_back(*divisor);
    return terms;
  }
};

struct ViewDef {
  std::string name;
  std::string entity;
  std::string source;
  bool window_over_available = false;  // windows run over when rows became known, not over event time
  std::vector<FeatureDef> features;
};

struct RequestDef {
  std::string name;
  std::vector<data::Field> inputs;           // what a request brings
  std::vector<ComputedColumn> features;      // from the inputs
};

struct ServiceDef {
  std::string name;
  std::vector<std::string> features;         // "view.feature" or "request.feature", expanded, in order
};

struct TrainingSetDef {
  std::string name;
  std::string source;       // its rows are the labelled moments
  std::string service;      // the features to compute for each
  std::string moment;       // column: when the prediction would have been made
  std::string label;        // expression over the source's columns; null: not labelled
  std::string label_time;   // column: when the label became known
  std::string id;           // expression: the prediction id that labels are joined by; empty: none
  DurationUs censor_after = 0;  // after that long without a label a prediction counts as censored; 0: never
  std::vector<std::string> slices;  // columns to report and guard by
};

struct Definitions {
  std::map<std::string, SourceDef> sources;
  std::map<std::string, EntityDef> entities;
  std::map<std::string, ViewDef> views;
  std::map<std::string, RequestDef> requests;
  std::map<std::string, ServiceDef> services;
  std::map<std::string, TrainingSetDef> training_sets;

  // NOT_FOUND names near misses.
  Result<const SourceDef*> Source(std::string_view name) const;
  Result<const EntityDef*> Entity(std::string_view name) const;
  Result<const ViewDef*> View(std::string_view name) const;
  Result<const RequestDef*> Request(std::string_view name) const;
  Result<const ServiceDef*> Service(std::string_view name) const;
  Result<const TrainingSetDef*> TrainingSet(std::string_view name) const;
};

// Checks names, references, durations, types and expressions (as far as the columns of tables are not
// needed); unknown keys are refused with near misses. Tables of the file that belong to other rooms
// ([gate.x], [endpoint.x]) are left alone.
Result<Definitions> ParseDefinitions(const Json& config);

// All of a view, as a service: "@" and its name. Each view has one.
inline constexpr char kViewService = '@';
// A declared service, or a view's own. NOT_FOUND as Definitions::Service and View.
Result<ServiceDef> ServiceNamed(const Definitions& defined, std::string_view name);

// What changes a service's values, transitively (sources, filters, delays, expressions), and the
// semantics number. Two services with one hash give the same values.
inline constexpr int kSemantics = 1;
Result<std::string> ServiceHash(const Definitions& defined, std::string_view service);

}  // namespace sw::feature
