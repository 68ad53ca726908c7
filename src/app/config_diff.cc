#include "app/config_diff.h"

#include "base/errors.h"

namespace sw::app {
namespace {

constexpr std::size_t kKeysMax = 20;

const Json::Object& MembersOf(const Json* value) {
  static const Json::Object kNone;
  return value != nullptr && value->IsObject() ? value->AsObject() : kNone;
}

// The order of an object's members counts: computed columns use those before them.
bool SameOrder(const Json::Object& a, const Json::Object& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].first != b[i].first) return false;
  }
  return true;
}

std::string Shown(const Json& value) {
  std::string text = value.IsString() ? value.AsString() : value.Dump();
  if (text.size() > 80) text = text.substr(0, 77) + "...";
  return text;
}

void CollectKeys(const std::string& path, const Json* before, const Json* after,
                 std::vector<std::string>& keys) {
  if (before != nullptr && after != nullptr && *before == *after) return;
  const bool both_tables =
      before != nullptr && after != nullptr && before->IsObject() && after->IsObject();
  if (!both_tables) {
    if (before == nullptr) return keys.push_back(fmt::format("{}: added, {}", path, Shown(*after)));
    if (after == nullptr) return keys.push_back(fmt::format("{}: removed", path));
    return keys.push_back(fmt::format("{}: {} -> {}", path, Shown(*before), Shown(*after)));
  }
  const std::string prefix = path.empty() ? "" : path + ".";
  const std::size_t begin = keys.size();
  for (const auto& [key, value] : after->AsObject())
    CollectKeys(prefix + key, before->Find(key), &value, keys);
  for (const auto& [key, value] : before->AsObject()) {
    if (!after->Has(key)) CollectKeys(prefix + key, &value, nullptr, keys);
  }
  if (keys.size() == begin && !SameOrder(before->AsObject(), after->AsObject())) {
    keys.push_back(fmt::format("{}: in another order", path.empty() ? "keys" : path));
  }
}

}  // namespace

std::vector<ConfigChange> DiffConfigs(const Json& applied, const Json& wanted) {
  std::vector<ConfigChange> changes;
  for (const auto& [section, things] : MembersOf(&wanted)) {
    if (section == "server") continue;
    for (const auto& [name, thing] : MembersOf(&things)) {
      const Json* old_things = applied.Find(section);
      const Json* before = old_things == nullptr ? nullptr : old_things->Find(name);
      if (before == nullptr) {
        changes.push_back({ChangeKind::kAdded, section, name});
        continue;
      }
      ConfigChange change{ChangeKind::kChanged, section, name};
      CollectKeys("", before, &thing, change.keys);
      if (!change.keys.empty()) changes.push_back(std::move(change));
    }
  }
  for (const auto& [section, things] : MembersOf(&applied)) {
    for (const auto& [name, thing] : MembersOf(&things)) {
      const Json* kept = wanted.Find(section);
      if (section != "server" && (kept == nullptr || !kept->Has(name))) {
        changes.push_back({ChangeKind::kRemoved, section, name});
      }
    }
  }
  return changes;
}

Json ChangesToJson(const std::vector<ConfigChange>& changes) {
  Json out = Json::MakeArray();
  for (const ConfigChange& change : changes) {
    const char* action = change.kind == ChangeKind::kAdded     ? "add"
                         : change.kind == ChangeKind::kChanged ? "change"
                                                               : "remove";
    Json row =
        Json::MakeObject({{"action", action}, {"section", change.section}, {"name", change.name}});
    if (!change.keys.empty()) {
      std::vector<std::string> keys = change.keys;
      if (keys.size() > kKeysMax) {
        const std::size_t more = keys.size() - kKeysMax;
        keys.resize(kKeysMax);
        keys.push_back(fmt::format("and {} more", more));
      }
      row.Set("keys", Json::FromRange(keys));
    }
    out.Append(std::move(row));
  }
  return out;
}

}  // namespace sw::app
