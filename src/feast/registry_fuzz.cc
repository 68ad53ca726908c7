// Whatever bytes a registry.db holds: it is a registry, whose projects resolve or are refused, or an error.
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/check.h"
#include "feast/editor.h"
#include "feast/lineage.h"
#include "feast/registry.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace core = feast::core;
  const auto snapshot = sw::feast::ReadRegistry({reinterpret_cast<const char*>(data), size});
  if (!snapshot) return 0;
  std::set<std::string> names;
  for (const core::Project& project : (*snapshot)->projects()) names.insert(project.spec().name());
  for (const core::FeatureView& view : (*snapshot)->feature_views()) names.insert(view.spec().project());
  const sw::base::ManualClock clock(0);
  sw::base::IdGenerator ids(clock, sw::base::Random(1));
  for (const std::string& name : names) {
    static_cast<void>(sw::feast::Project::Make(*snapshot, name));
    static_cast<void>(sw::feast::LineageOf(**snapshot, name));
    // What is applied again is as it was.
    core::Registry objects = **snapshot;
    sw::feast::Editor editor(objects, 0, ids);
    for (const core::FeatureView& view : (*snapshot)->feature_views()) static_cast<void>(editor.Apply(view, name));
    for (const core::OnDemandFeatureView& view : (*snapshot)->on_demand_feature_views()) static_cast<void>(editor.Apply(view, name));
    const sw::Status deleted = editor.DeleteProject(name);
    SW_CHECK(deleted || name.empty() || sw::feast::FindObject<core::Project>(objects, name, {}) == nullptr, "a project that is gone");
  }
  return 0;
}
