// The online side of the feature store: folding rows into the online store, and reading features.
//
//   std::vector<store::OnlineWrite> writes = SW_TRY(FoldRows(online, view, rows));
//   Lookup lookup = SW_TRY(MakeLookup(service, requests, now));
//   online.MultiGet(lookup.keys, [&](auto values) { batch = Answer(lookup, requests, now, *values); });
//
// Pure, but for the reads of FoldRows; a caller folds one source's rows at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/batch.h"
#include "feature/history.h"
#include "feature/plan.h"
#include "store/online.h"

namespace sw::feature {

// What the view's chunks and lifetime records become with these rows.
Result<std::vector<store::OnlineWrite>> FoldRows(store::OnlineStore& online, const ViewPlan& view, const SourceRows& rows);

// Which keys a request needs: one batched get.
struct Lookup {
  struct Entity {
    std::size_t first = 0;   // of its keys: the chunks in order of time, then the lifetime record
    std::size_t chunks = 0;
  };
  struct View {
    std::vector<Entity> entities;
    std::vector<std::int64_t> entity_of;  // by request row; -1: a part of its key is null
  };
  std::vector<std::string> keys;
  std::vector<View> views;                // as in the service
  std::size_t cuts = 0;                   // where the views' offsets are among the keys: one a view
};
inline constexpr std::size_t kLookupKeysMax = 1'000'000;  // of one request
Result<Lookup> MakeLookup(const ServicePlan& service, const data::Batch& requests, TimeUs t);

// One row of the service's `read`: what these values are of. In one transaction with the features' own.
data::Batch ReadOf(const ServicePlan& service, const std::vector<std::int64_t>& cuts);
std::vector<std::int64_t> CutsOf(const ServicePlan& service, const Lookup& lookup, const store::OnlineStore::Values& values);

// The features of each request row; nothing when t lies before what a lifetime record answers
// exactly, and the logbook must be asked. `request_columns` are EvaluateRequests'.
// With `states`, those too: for each output, in order, one a row.
using FeatureStates = std::vector<std::vector<FeatureState>>;
Result<std::optional<data::Batch>> Answer(const ServicePlan& service, const Lookup& lookup,
                                          const std::vector<data::Column>& request_columns, std::size_t rows, TimeUs t,
                                          const store::OnlineStore::Values& values, FeatureStates* states_or_null);
// Of requests' features: present or null, of no event.
std::vector<FeatureState> RequestStates(const data::Column& column);

// The request features' columns, in order of the service's requests and their outputs.
Result<std::vector<data::Column>> EvaluateRequests(const ServicePlan& service, const data::Batch& requests);
// Puts together columns of view features (in the order of the outputs that are) and of requests.
data::Batch Assemble(const ServicePlan& service, std::vector<data::Column> view_columns,
                     const std::vector<data::Column>& request_columns);

std::vector<data::Column> EmptyViewColumns(const ServicePlan& service);
void AppendValue(const FeatureValue& value, data::Column& column);

}  // namespace sw::feature
