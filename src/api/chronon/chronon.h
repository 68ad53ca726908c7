// Chronon's feature service: the two routes that fetch, and the one that says it is there.
//
//   POST /v1/features/join/{name}      [{"user_id": "5"}, ...]: a feature service's features, as "view_feature"
//   POST /v1/features/groupby/{name}   a view's features, by their own names
//
// A name as Chronon writes it ("team/purchases.v1") is looked for as it is, then with _ for what a name here cannot have.
// A row whose keys cannot be read fails alone. Pure; what the handlers do is the feature store's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "feature/feature_store.h"
#include "net/router.h"

namespace sw::chronon {

// Both outlive the routes.
std::vector<net::Route> ChrononRoutes(feature::FeatureStore* features, const base::Clock* clock);

}  // namespace sw::chronon
