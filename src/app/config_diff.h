// ConfigDiff: what applying a configuration would change, by declared thing ("view.delays"). Pure.
//
//   std::vector<ConfigChange> changes = DiffConfigs(applied, wanted);
//   // {kAdded, "monitor", "late", {}}, {kChanged, "view", "delays", {"features.mean_1h.window: 1h -> 2h"}}
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"

namespace sw::app {

enum class ChangeKind : std::uint8_t { kAdded, kChanged, kRemoved };

struct ConfigChange {
  ChangeKind kind = ChangeKind::kAdded;
  std::string section;                 // "view"
  std::string name;                    // "delays"
  std::vector<std::string> keys = {};  // of a changed one: key path, old and new value
  bool operator==(const ConfigChange&) const = default;
};

// Both as the TOML files read; null: nothing. In the order of `wanted`, then what is removed. The
// table [server] is no part of it.
std::vector<ConfigChange> DiffConfigs(const Json& applied, const Json& wanted);

// {"action": "add" | "change" | "remove", "section", "name", "keys"}
Json ChangesToJson(const std::vector<ConfigChange>& changes);

}  // namespace sw::app
