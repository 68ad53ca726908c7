#include "api/feast/plans.h"

#include <set>

#include "base/json.h"
#include "feast/wire.h"

namespace sw::feast {
namespace {

void AppendPart(std::string& out, std::string_view text) {
  AppendVarint(out, text.size());
  out += text;
}

std::string CacheKey(std::string_view project, const Plans::Wanted& wanted) {
  std::string key;
  key.reserve(project.size() + wanted.features.size() * 32 + 16);
  key += wanted.full_feature_names ? 'f' : 's';
  AppendPart(key, project);
  AppendPart(key, wanted.service);
  if (!wanted.service.empty()) return key;
  for (const std::string_view feature : wanted.features) AppendPart(key, feature);
  return key;
}

Result<std::shared_ptr<const PreparedPlan>> Prepare(std::shared_ptr<const Project> project, const Plans::Wanted& wanted) {
  std::vector<WantedView> views;
  if (!wanted.service.empty()) {
    views = SW_TRY(project->ResolveService(wanted.service));
  } else {
    views = SW_TRY(project->Resolve(std::vector<std::string>(wanted.features.begin(), wanted.features.end())));
  }
  auto prepared = std::make_shared<PreparedPlan>();
  prepared->plan = SW_TRY(OnlinePlan::Make(std::move(project), views, wanted.full_feature_names));
  for (const std::string& name : prepared->plan->names()) {
    if (!prepared->names_json.empty()) prepared->names_json += ',';
    base::AppendJsonString(prepared->names_json, name);
  }
  std::set<std::string> seen;
  for (const OnlinePlan::ViewPlan& view : prepared->plan->views()) {
    const std::string name = view.alias.substr(0, view.alias.rfind("@v"));
    if (!seen.insert(name).second) continue;
    Json entry = Json::MakeObject({{"name", name}});
    if (view.view->version != 0) entry.Set("version", view.view->version);
    prepared->versions_json += (prepared->versions_json.empty() ? "" : ",") + entry.Dump();
  }
  return prepared;
}

}  // namespace

Result<std::shared_ptr<const PreparedPlan>> Plans::Find(std::string_view project_name, const Wanted& wanted) {
  std::shared_ptr<const Project> project = SW_TRY(registry_->Find(project_name));
  std::string key = CacheKey(project_name, wanted);
  {
    const std::scoped_lock lock(mutex_);
    const auto found = plans_.find(key);
    if (found != plans_.end() && found->second->plan->shared_project() == project) return found->second;
  }
  auto prepared = SW_TRY(Prepare(std::move(project), wanted));
  const std::scoped_lock lock(mutex_);
  if (plans_.size() >= kPlansMax) plans_.clear();
  plans_.insert_or_assign(std::move(key), prepared);
  return prepared;
}

}  // namespace sw::feast
