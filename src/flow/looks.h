// Look: one look at an endpoint. When it was, up to where the endpoint's streams were read, and the
// version whose reference those rows were held against.
//
// A fold's state follows from its looks alone: replaying them after a restart gives the same
// incidents with the same ids and times. A look is recorded in the transaction that records what came
// of it. Values.
#pragma once

#include <string_view>
#include <vector>

#include "base/caller.h"
#include "base/clock.h"
#include "base/result.h"
#include "store/catalog.h"
#include "store/logbook.h"

namespace sw::flow {

// Up to where each of an endpoint's streams is read.
struct FoldCuts {
  store::Cut predictions, shadow, labels;
  bool operator==(const FoldCuts&) const = default;
};

struct Look {
  std::int64_t number = 0;   // 1, 2, 3, ... of its endpoint
  TimeUs time = 0;
  std::int64_t version = 0;  // that was live
  FoldCuts cuts;
};

Status PutLook(store::CatalogTransaction& tx, const Caller& caller, std::string_view endpoint, const Look& look);
// Rows that were not on disk yet may be lost with the power, and the look that read them be kept. True
// when a cut lay beyond `ends`.
bool CutTo(const FoldCuts& ends, FoldCuts& cuts);
Status ReplaceCuts(store::CatalogTransaction& tx, const Caller& caller, std::string_view endpoint, const Look& look);
// Oldest first.
Result<std::vector<Look>> ReadLooks(const store::Catalog& catalog, const Caller& caller, std::string_view endpoint);

}  // namespace sw::flow
