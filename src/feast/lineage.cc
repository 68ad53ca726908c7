#include "feast/lineage.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/errors.h"
#include "feast/objects.h"

namespace sw::feast {
namespace {

namespace core = ::feast::core;

constexpr std::string_view kDataSource = "dataSource";
constexpr std::string_view kEntity = "entity";
constexpr std::string_view kFeature = "feature";
constexpr std::string_view kFeatureView = "featureView";
constexpr std::string_view kLabelView = "labelView";
constexpr std::string_view kService = "featureService";
constexpr std::string_view kDataset = "savedDataset";

class Tracer {
 public:
  Tracer(const core::Registry& objects, std::string_view project) : objects_(objects), project_(project) {}

  void Services() {
    std::set<std::string_view> labels;
    for (const core::LabelView* view : Of<core::LabelView>()) labels.insert(view->spec().name());
    for (const core::FeatureService* service : Of<core::FeatureService>()) {
      for (const core::FeatureViewProjection& view : service->spec().features()) {
        const bool is_label = view.view_type() == kLabelView || labels.contains(view.feature_view_name());
        Add(is_label ? kLabelView : kFeatureView, view.feature_view_name(), kService, service->spec().name());
      }
    }
  }

  void Views() {
    for (const core::FeatureView* view : Of<core::FeatureView>()) {
      Schema(*view, kFeatureView, true);
      Source(view->spec().batch_source(), *view, kFeatureView);
    }
    for (const core::OnDemandFeatureView* view : Of<core::OnDemandFeatureView>()) Schema(*view, kFeatureView, true);
    for (const core::OnDemandFeatureView* view : Of<core::OnDemandFeatureView>()) Inputs(*view);
    for (const core::StreamFeatureView* view : Of<core::StreamFeatureView>()) {
      Source(view->spec().stream_source(), *view, kFeatureView);
      Source(view->spec().batch_source(), *view, kFeatureView);
    }
    for (const core::LabelView* view : Of<core::LabelView>()) {
      Schema(*view, kLabelView, false);
      Source(view->spec().source(), *view, kLabelView);
      Source(view->spec().source().batch_source(), *view, kLabelView);
    }
  }

  void Datasets() {
    std::map<std::string_view, std::string_view> source_at;
    for (const core::DataSource* source : Of<core::DataSource>()) {
      for (const core::DataSource* at = source; at != nullptr; at = at->has_batch_source() ? &at->batch_source() : nullptr) {
        if (!at->file_options().uri().empty()) source_at[at->file_options().uri()] = source->name();
      }
    }
    for (const core::SavedDataset* dataset : Of<core::SavedDataset>()) {
      const core::SavedDatasetSpec& spec = dataset->spec();
      if (!spec.feature_service_name().empty()) Add(kService, spec.feature_service_name(), kDataset, spec.name());
      std::set<std::string_view> views;
      for (const std::string& reference : spec.features()) {
        const std::string_view view = std::string_view(reference).substr(0, reference.find_first_of(":@"));
        if (reference.find(':') != std::string::npos && views.insert(view).second) Add(kFeatureView, view, kDataset, spec.name());
      }
      const auto source = source_at.find(spec.storage().file_storage().uri());
      if (source != source_at.end()) Add(kDataSource, source->second, kDataset, spec.name());
    }
  }

  Result<Lineage> Finish() {
    if (!is_over_) Indirect();
    if (is_over_) return ResourceExhausted("project {} has more than {} relations; ask by object_type and object_name", project_, kRelationsMax);
    return std::move(lineage_);
  }

 private:
  template <typename Object>
  std::vector<const Object*> Of() const {
    std::vector<const Object*> mine;
    for (const Object& object : ListOf<Object>(objects_)) {
      if (IsOf(object, project_)) mine.push_back(&object);
    }
    return mine;
  }

  void Add(std::string_view source_type, std::string_view source, std::string_view target_type, std::string_view target) {
    AddTo(lineage_.direct, {Node{std::string(source_type), std::string(source)}, Node{std::string(target_type), std::string(target)}});
  }
  void AddTo(std::vector<Relation>& relations, Relation relation) {
    is_over_ = is_over_ || lineage_.direct.size() + lineage_.indirect.size() >= kRelationsMax;
    if (!is_over_) relations.push_back(std::move(relation));
  }

  template <typename View>
  void Schema(const View& view, std::string_view type, bool has_features) {
    for (const std::string& entity : view.spec().entities()) Add(kEntity, entity, type, view.spec().name());
    if (!has_features) return;
    for (const core::FeatureSpecV2& feature : view.spec().features()) Add(kFeature, feature.name(), type, view.spec().name());
  }
  template <typename View>
  void Source(const core::DataSource& source, const View& view, std::string_view type) {
    if (!source.name().empty()) Add(kDataSource, source.name(), type, view.spec().name());
  }

  void Inputs(const core::OnDemandFeatureView& view) {
    const std::map<std::string_view, const core::OnDemandSource*> sources = [&] {
      std::map<std::string_view, const core::OnDemandSource*> by_name;
      for (const auto& [name, source] : view.spec().sources()) by_name.emplace(name, &source);
      return by_name;
    }();
    for (const auto& [name, source] : sources) {
      if (source->has_request_data_source()) Source(source->request_data_source(), view, kFeatureView);
      const std::string& input = source->feature_view_projection().feature_view_name();
      if (source->has_feature_view_projection() && !input.empty()) Add(kFeatureView, input, kFeatureView, view.spec().name());
    }
  }

  void Indirect() {
    std::map<std::string_view, std::vector<const Node*>> inputs;  // of a view
    for (const Relation& relation : lineage_.direct) {
      if (relation.target.type == kFeatureView || relation.target.type == kLabelView) inputs[relation.target.name].push_back(&relation.source);
    }
    for (const core::FeatureService* service : Of<core::FeatureService>()) {
      for (const core::FeatureViewProjection& view : service->spec().features()) {
        const auto found = inputs.find(view.feature_view_name());
        if (found == inputs.end()) continue;
        for (const Node* input : found->second) AddTo(lineage_.indirect, {*input, Node{std::string(kService), service->spec().name()}});
      }
    }
    for (const Relation& relation : lineage_.direct) {
      if (relation.source.type != kEntity || is_over_) continue;
      for (const Node* input : inputs[relation.target.name]) {
        if (input->type == kDataSource) AddTo(lineage_.indirect, {relation.source, *input});
      }
    }
  }

  const core::Registry& objects_;
  const std::string project_;
  Lineage lineage_;
  bool is_over_ = false;
};

}  // namespace

bool Relation::Names(std::string_view type, std::string_view name) const {
  return (source.type == type && source.name == name) || (target.type == type && target.name == name);
}

Result<Lineage> LineageOf(const core::Registry& objects, std::string_view project) {
  Tracer tracer(objects, project);
  tracer.Services();
  tracer.Views();
  tracer.Datasets();
  return tracer.Finish();
}

}  // namespace sw::feast
