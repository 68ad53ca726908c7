// Lineage: what is made of what in one project, as Feast's lineage API says it. Pure.
#pragma once

#include <proto/feast_core.pb.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sw::feast {

struct Node {
  std::string type;  // "dataSource", "entity", "feature", "featureView", "labelView", "featureService", "savedDataset"
  std::string name;
  bool operator==(const Node&) const = default;
};
struct Relation {
  Node source;
  Node target;
  bool Names(std::string_view type, std::string_view name) const;
  bool operator==(const Relation&) const = default;
};

struct Lineage {
  std::vector<Relation> direct;
  std::vector<Relation> indirect;  // through a view: of its sources to services, of its entities to data sources
};

inline constexpr std::size_t kRelationsMax = 1'000'000;

// RESOURCE_EXHAUSTED: more than kRelationsMax.
Result<Lineage> LineageOf(const ::feast::core::Registry& objects, std::string_view project);

}  // namespace sw::feast
