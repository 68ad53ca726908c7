// Plan: what the definitions mean for the feature store, worked out once: columns by name and type,
// online keys, the features of a service in order, request expressions compiled.
//
//   std::shared_ptr<const Plan> plan = SW_TRY(MakePlan(definitions, {{"flights", rows_schema}}));
//   const ServicePlan& service = *SW_TRY(plan->Service("late_v1"));
//
// Immutable.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/schema.h"
#include "feature/definitions.h"
#include "feature/expression.h"
#include "feature/kernel.h"

namespace sw::feature {

// The column that count(*) counts: true in every row.
inline constexpr std::string_view kEveryRow = "*";

// What a read of a service notes beside its features, for the audit: which definition it was of, and how many rows of
// a view's source the values held.
inline constexpr std::string_view kReadDefinition = "definition";
inline constexpr std::string_view kReadCut = "cut.";

struct ViewPlan {
  std::string name;
  std::string source;
  std::string entity;
  bool is_static = false;
  bool window_over_available = false;
  std::vector<data::Field> keys;          // of the entity
  std::vector<data::Field> columns;       // of the source that the features need, each once; or "*"
  std::vector<std::string> unseen;        // of those, what no row of the source has had yet
  std::vector<Feature> features;
  std::vector<data::Field> outputs;       // "view.feature", a field a feature
  DurationUs window_max = 0;              // how far windows reach back; 0: no feature has one
  DurationUs chunk_us = 0;                // of event time in one online chunk
  bool has_lifetime = false;              // a feature without window
  std::string prefix;                     // of its online keys; changes with what they hold
};

struct RequestPlan {
  std::string name;
  std::vector<data::Field> inputs;
  std::vector<Expression> expressions;
  std::vector<data::Field> outputs;       // "request.feature"
};

struct ServicePlan {
  struct Output {
    bool is_request = false;
    std::size_t part = 0;                 // of views or requests
    std::size_t feature = 0;
  };
  std::string name;
  std::vector<const ViewPlan*> views;
  std::vector<const RequestPlan*> requests;
  std::vector<Output> outputs;
  data::Schema schema;
  std::string hash;                       // ServiceHash
  data::Schema read;                      // of what a read notes: kReadDefinition, then kReadCut + a view, in order
};

struct Plan {
  std::shared_ptr<const Definitions> definitions;
  std::map<std::string, data::Schema> rows;  // by source: columns of its rows so far
  std::map<std::string, ViewPlan> views;
  std::map<std::string, RequestPlan> requests;
  std::map<std::string, ServicePlan, std::less<>> services;

  Result<const ServicePlan*> Service(std::string_view name) const;
  std::vector<const ViewPlan*> ViewsOf(std::string_view source) const;
};

// INVALID_ARGUMENT when a column's type does not suit an aggregate or an entity's key. A column that
// no row has had yet is taken as declared in the source's types, else as float64.
Result<std::shared_ptr<const Plan>> MakePlan(std::shared_ptr<const Definitions> definitions,
                                             std::map<std::string, data::Schema> rows);

}  // namespace sw::feature
