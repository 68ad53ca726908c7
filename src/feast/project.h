// Project: one Feast project's views, sources and services, with their names resolved. Values; immutable.
//
//   auto project = SW_TRY(Project::Make(snapshot, "credit"));
//   for (const WantedView& wanted : SW_TRY(project->Resolve({"driver_stats:conv_rate"}))) ...
#pragma once

#include <proto/feast_core.pb.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace sw::feast {

using RegistrySnapshot = std::shared_ptr<const ::feast::core::Registry>;
using ValueType = ::feast::types::ValueType::Enum;

struct Field {
  std::string name = {};
  ValueType type = ::feast::types::ValueType::INVALID;
  bool operator==(const Field&) const = default;
};

// A table of rows with their times. Only files are read here; others are refused by who reads them.
struct BatchSource {
  std::string name = {};
  std::string uri = {};  // of a file source: a path, file://...; empty: another kind
  std::string kind = {};  // "file", "bigquery", ... as messages name it
  std::map<std::string, std::string> field_mapping = {};  // column of the table -> name in the view
  std::string timestamp_field = {};
  std::string created_timestamp_column = {};  // empty: none
};

enum class ViewKind : std::uint8_t { kBatch, kStream, kOnDemand, kLabel };

struct View {
  std::string name = {};
  ViewKind kind = ViewKind::kBatch;
  std::vector<std::string> entities = {};  // their names
  std::vector<Field> keys = {};  // join keys with types, in order of the entities; none: an entity-less view
  std::vector<Field> features = {};
  DurationUs ttl = 0;  // 0: values do not grow old
  bool online = false;
  bool offline = false;
  std::optional<BatchSource> source = {};
  std::string push_source = {};  // name of the push source in front of it; empty: none
  std::vector<Field> request_inputs = {};  // of an on-demand view
  std::vector<std::string> inputs = {};  // views that an on-demand view reads
  std::string mode = {};  // of an on-demand view: "pandas", "python", ...
  bool enabled = true;
  ::feast::core::FeatureViewState state = ::feast::core::STATE_UNSPECIFIED;
  std::int32_t version = 0;  // the current one's number
  std::string unknown_entity = {};  // the first of its entities that the project does not have

  const Field* Feature(std::string_view name) const;
};

// Features of one view that a request or a service names, in order.
struct WantedView {
  const View* view = nullptr;
  std::string alias = {};  // what features are prefixed with: name_alias or the view's name
  std::vector<std::size_t> features = {};  // indices in view->features
  std::map<std::string, std::string> join_key_map = {};  // key of the view -> name in the request
};

class Project {
 public:
  // NOT_FOUND when the registry has no such project, nor an object of it.
  static Result<std::shared_ptr<const Project>> Make(RegistrySnapshot snapshot, std::string_view name);

  const std::string& name() const { return name_; }
  const RegistrySnapshot& snapshot() const { return snapshot_; }
  const std::map<std::string, View, std::less<>>& views() const { return views_; }
  // NOT_FOUND: FeatureViewNotFoundException with Feast's words and near misses.
  Result<const View*> FindView(std::string_view name) const;
  const View* Find(std::string_view name) const;  // nullptr: there is none
  // The views that the push source feeds. NOT_FOUND: PushSourceNotFoundException.
  Result<std::vector<const View*>> FedBy(std::string_view push_source) const;
  // References "view:feature" and "view@v2:feature". A view stands at its first feature's place. Also NOT_FOUND: an
  // entity of a view, or a version that is not the current one. INVALID_ARGUMENT: a reference twice, or none.
  Result<std::vector<WantedView>> Resolve(std::span<const std::string> references) const;
  Result<std::vector<WantedView>> ResolveService(std::string_view service) const;

 private:
  Project() = default;
  std::string name_;
  RegistrySnapshot snapshot_;
  std::map<std::string, View, std::less<>> views_;
  // Of the registry's own, by name.
  std::map<std::string, const ::feast::core::FeatureService*, std::less<>> services_;
};

// INVALID_ARGUMENT, FeatureNameCollisionError: two features would have one name in the answer.
Status CheckNames(std::span<const WantedView> wanted, bool full_feature_names);

}  // namespace sw::feast
