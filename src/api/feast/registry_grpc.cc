#include "api/feast/registry_grpc.h"

#include <google/protobuf/empty.pb.h>
#include <proto/feast_registry.pb.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "api/feast/pages.h"
#include "api/grpc/service.h"
#include "base/errors.h"
#include "feast/editor.h"
#include "feast/failure.h"
#include "feast/lineage.h"
#include "feast/objects.h"

namespace sw::feast {
namespace {

namespace core = ::feast::core;
namespace wire = ::feast::registry;
using google::protobuf::Empty;
using grpc::Call;

constexpr std::string_view kProtectedTag = "feast.dev/protected-project";

// Feast's client makes its exception of the status's message.
Error Told(const Error& error) { return {error.code, ErrorDetail(error)}; }

// The methods, all of them slow: each looks at the file.
class Methods {
 public:
  Methods(Registry* registry, const base::Clock& clock, base::IdGenerator* ids) : registry_(registry), clock_(&clock), ids_(ids) {}

  template <typename Request, typename Response>
  void Read(std::string_view name, Status (*answer)(const core::Registry&, const Request&, Response&)) {
    Add<Request, Response>(name, "features.read", [registry = registry_, answer](const Call&, const Request& request, Response& response) -> Status {
      const RegistrySnapshot snapshot = SW_TRY(registry->Snapshot());
      return answer(*snapshot, request, response);
    });
  }

  template <typename Request>
  void Change(std::string_view name, Status (*change)(Editor&, const Request&)) {
    Add<Request, Empty>(name, "features.write", [registry = registry_, clock = clock_, ids = ids_, change](const Call&, const Request& request, Empty&) {
      return registry->Change([&](core::Registry& objects) {
        Editor editor(objects, clock->Now(), *ids);
        return change(editor, request);
      });
    });
  }

  template <typename Request, typename Response>
  void Refuse(std::string_view name) {
    Add<Request, Response>(name, "features.read", [name = std::string(name)](const Call&, const Request&, Response&) -> Status {
      return Unimplemented("{} computes a saved dataset in the server, which is not done here; call "
                           "store.create_saved_dataset() in Python instead",
                           name);
    });
  }

  std::vector<net::Route> Take() { return std::move(routes_); }

 private:
  template <typename Request, typename Response>
  void Add(std::string_view name, std::string scope, std::function<Status(const Call&, const Request&, Response&)> answer) {
    net::Route route = grpc::Unary<Request, Response>(
        *clock_, fmt::format("/feast.registry.RegistryServer/{}", name), std::move(scope),
        [answer = std::move(answer)](const Call& call, const Request& request, Response& response) -> Status {
          if (const Status done = answer(call, request, response); !done) return std::unexpected(Told(done.error()));
          return Ok();
        });
    route.slow = true;
    route.render_error = [](int, const Error& error) { return grpc::RenderError(0, Told(error)); };
    routes_.push_back(std::move(route));
  }

  Registry* registry_;
  const base::Clock* clock_;
  base::IdGenerator* ids_;
  std::vector<net::Route> routes_;
};

template <typename Object, typename Request>
Status Get(const core::Registry& objects, const Request& request, Object& response) {
  if constexpr (std::is_same_v<Object, core::Project>) {
    response = *SW_TRY(GetObject<Object>(objects, request.name(), {}));
  } else {
    response = *SW_TRY(GetObject<Object>(objects, request.name(), request.project()));
  }
  return Ok();
}

template <typename Object>
bool HasTags(const Object& object, const google::protobuf::Map<std::string, std::string>& wanted) {
  const auto& tags = TagsOf(object);
  return std::ranges::all_of(wanted, [&](const auto& tag) {
    const auto found = tags.find(tag.first);
    return found != tags.end() && found->second == tag.second;
  });
}

// Those of a project with these tags, in order.
template <typename Object>
std::vector<const Object*> Select(const core::Registry& objects, std::string_view project, const google::protobuf::Map<std::string, std::string>& tags) {
  std::vector<const Object*> selected;
  for (const Object& object : ListOf<Object>(objects)) {
    if (IsOf(object, project) && HasTags(object, tags)) selected.push_back(&object);
  }
  return selected;
}

template <typename Object, typename Request, typename Response>
void FillPage(const std::vector<const Object*>& objects, const Request& request, Response& response, google::protobuf::RepeatedPtrField<Object>& into) {
  for (const Object* object : TakePage(objects, request.pagination(), request.sorting(), *response.mutable_pagination())) *into.Add() = *object;
}

// `list` is the field of the response that takes them.
template <typename Object, typename Request, typename Response, google::protobuf::RepeatedPtrField<Object>* (Response::*list)()>
Status List(const core::Registry& objects, const Request& request, Response& response) {
  FillPage(Select<Object>(objects, request.project(), request.tags()), request, response, *(response.*list)());
  return Ok();
}

Status ListServices(const core::Registry& objects, const wire::ListFeatureServicesRequest& request, wire::ListFeatureServicesResponse& response) {
  auto services = Select<core::FeatureService>(objects, request.project(), request.tags());
  if (!request.feature_view().empty()) {
    std::erase_if(services, [&](const core::FeatureService* service) {
      return std::ranges::find(service->spec().features(), request.feature_view(), &core::FeatureViewProjection::feature_view_name) ==
             service->spec().features().end();
    });
  }
  FillPage(services, request, response, *response.mutable_feature_services());
  return Ok();
}

Status ListDatasets(const core::Registry& objects, const wire::ListSavedDatasetsRequest& request, wire::ListSavedDatasetsResponse& response) {
  auto datasets = Select<core::SavedDataset>(objects, request.project(), request.tags());
  std::erase_if(datasets, [&](const core::SavedDataset* dataset) {
    return (!request.namespace_().empty() && dataset->spec().namespace_() != request.namespace_()) ||
           (!request.collection().empty() && dataset->spec().collection() != request.collection());
  });
  FillPage(datasets, request, response, *response.mutable_saved_datasets());
  return Ok();
}

Status ListProjects(const core::Registry& objects, const wire::ListProjectsRequest& request, wire::ListProjectsResponse& response) {
  auto projects = Select<core::Project>(objects, {}, request.tags());
  std::erase_if(projects, [](const core::Project* project) {
    const auto tag = project->spec().tags().find(std::string(kProtectedTag));
    return tag != project->spec().tags().end() && tag->second == "true";
  });
  FillPage(projects, request, response, *response.mutable_projects());
  return Ok();
}

Status ListMetadata(const core::Registry& objects, const wire::ListProjectMetadataRequest& request, wire::ListProjectMetadataResponse& response) {
  for (const core::ProjectMetadata& metadata : objects.project_metadata()) {
    if (metadata.project() == request.project()) *response.add_project_metadata() = metadata;
  }
  return Ok();
}

void Put(const core::FeatureView& view, wire::AnyFeatureView& any) { *any.mutable_feature_view() = view; }
void Put(const core::StreamFeatureView& view, wire::AnyFeatureView& any) { *any.mutable_stream_feature_view() = view; }
void Put(const core::OnDemandFeatureView& view, wire::AnyFeatureView& any) { *any.mutable_on_demand_feature_view() = view; }
void Put(const core::LabelView& view, wire::AnyFeatureView& any) { *any.mutable_label_view() = view; }

template <typename View>
bool PutView(const core::Registry& objects, std::string_view name, std::string_view project, wire::AnyFeatureView& any) {
  const View* view = FindObject<View>(objects, name, project);
  if (view != nullptr) Put(*view, any);
  return view != nullptr;
}

Status GetAnyView(const core::Registry& objects, const wire::GetAnyFeatureViewRequest& request, wire::GetAnyFeatureViewResponse& response) {
  wire::AnyFeatureView& any = *response.mutable_any_feature_view();
  if (PutView<core::FeatureView>(objects, request.name(), request.project(), any)) return Ok();
  if (PutView<core::StreamFeatureView>(objects, request.name(), request.project(), any)) return Ok();
  if (PutView<core::OnDemandFeatureView>(objects, request.name(), request.project(), any)) return Ok();
  if (PutView<core::LabelView>(objects, request.name(), request.project(), any)) return Ok();
  return FeatureViewNotFound(request.name(), request.project());
}

bool ReadsSource(const core::FeatureView& view, std::string_view source) {
  return view.spec().batch_source().name() == source || view.spec().stream_source().name() == source;
}
bool ReadsSource(const core::StreamFeatureView& view, std::string_view source) {
  return view.spec().batch_source().name() == source || view.spec().stream_source().name() == source;
}
bool ReadsSource(const core::OnDemandFeatureView& view, std::string_view source) {
  return std::ranges::any_of(view.spec().sources(), [&](const auto& input) { return input.second.request_data_source().name() == source; });
}

bool IsBefore(const google::protobuf::Timestamp& a, const google::protobuf::Timestamp& b) {
  return std::pair(a.seconds(), a.nanos()) < std::pair(b.seconds(), b.nanos());
}

template <typename View>
bool IsWanted(const View& view, const wire::ListAllFeatureViewsRequest& request, const core::FeatureService* service) {
  const auto& spec = view.spec();
  if (request.has_updated_since() &&
      (!view.meta().has_last_updated_timestamp() || IsBefore(view.meta().last_updated_timestamp(), request.updated_since()))) {
    return false;
  }
  if (!request.entity().empty() && std::ranges::find(spec.entities(), request.entity()) == spec.entities().end()) return false;
  if (!request.feature().empty() && std::ranges::find(spec.features(), request.feature(), &core::FeatureSpecV2::name) == spec.features().end()) return false;
  if (!request.data_source().empty() && !ReadsSource(view, request.data_source())) return false;
  if (request.feature_service().empty()) return true;
  if (service == nullptr) return false;
  const auto& projections = service->spec().features();
  return std::ranges::find(projections, spec.name(), &core::FeatureViewProjection::feature_view_name) != projections.end();
}

// All but label views, which Feast leaves out too.
Status ListAllViews(const core::Registry& objects, const wire::ListAllFeatureViewsRequest& request, wire::ListAllFeatureViewsResponse& response) {
  const auto* service = FindObject<core::FeatureService>(objects, request.feature_service(), request.project());
  std::vector<const google::protobuf::Message*> views;
  const auto add = [&]<typename View>(const View*) {
    for (const View* view : Select<View>(objects, request.project(), request.tags())) {
      if (IsWanted(*view, request, service)) views.push_back(view);
    }
  };
  add(static_cast<const core::FeatureView*>(nullptr));
  add(static_cast<const core::StreamFeatureView*>(nullptr));
  add(static_cast<const core::OnDemandFeatureView*>(nullptr));
  for (const google::protobuf::Message* view : TakePage(views, request.pagination(), request.sorting(), *response.mutable_pagination())) {
    wire::AnyFeatureView& any = *response.add_feature_views();
    if (view->GetDescriptor() == core::FeatureView::descriptor()) Put(static_cast<const core::FeatureView&>(*view), any);
    if (view->GetDescriptor() == core::StreamFeatureView::descriptor()) Put(static_cast<const core::StreamFeatureView&>(*view), any);
    if (view->GetDescriptor() == core::OnDemandFeatureView::descriptor()) Put(static_cast<const core::OnDemandFeatureView&>(*view), any);
  }
  return Ok();
}

// As Feast prints a type: "Int64", "Array(UnixTimestamp)".
std::string TypeName(::feast::types::ValueType::Enum type) {
  std::string_view name = ::feast::types::ValueType::Enum_Name(type);
  for (const auto& [suffix, container] : {std::pair("_LIST", "Array"), std::pair("_SET", "Set")}) {
    if (!name.ends_with(suffix)) continue;
    ::feast::types::ValueType::Enum inner = ::feast::types::ValueType::INVALID;
    const std::string base(name.substr(0, name.size() - std::string_view(suffix).size()));
    return fmt::format("{}({})", container, ::feast::types::ValueType::Enum_Parse(base, &inner) ? TypeName(inner) : "Array(String)");
  }
  if (type == ::feast::types::ValueType::FLOAT) return "Float32";
  if (type == ::feast::types::ValueType::DOUBLE) return "Float64";
  if (type == ::feast::types::ValueType::STRUCT) return "Struct({_value: String})";
  std::string words;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '_') continue;
    words += i == 0 || name[i - 1] == '_' ? name[i] : static_cast<char>(name[i] | 0x20);
  }
  return words;
}

template <typename View>
void AddFeatures(const core::Registry& objects, std::string_view project, std::string_view kind, const wire::ListFeaturesRequest& request,
                 std::vector<wire::Feature>& features) {
  if (!request.kind().empty() && request.kind() != kind) return;
  for (const View* view : Select<View>(objects, project, {})) {
    if (!request.feature_view().empty() && view->spec().name() != request.feature_view()) continue;
    for (const core::FeatureSpecV2& spec : view->spec().features()) {
      if (!request.name().empty() && spec.name() != request.name()) continue;
      wire::Feature& feature = features.emplace_back();
      feature.set_name(spec.name());
      feature.set_feature_view(view->spec().name());
      feature.set_type(TypeName(spec.value_type()));
      feature.set_description(spec.description());
      feature.set_owner(view->spec().owner());
      feature.set_kind(std::string(kind));
      *feature.mutable_tags() = spec.tags();
      if (view->meta().has_created_timestamp()) *feature.mutable_created_timestamp() = view->meta().created_timestamp();
      if (view->meta().has_last_updated_timestamp()) *feature.mutable_last_updated_timestamp() = view->meta().last_updated_timestamp();
    }
  }
}

std::vector<wire::Feature> FeaturesOf(const core::Registry& objects, const wire::ListFeaturesRequest& request) {
  std::vector<wire::Feature> features;
  AddFeatures<core::FeatureView>(objects, request.project(), "feature", request, features);
  AddFeatures<core::StreamFeatureView>(objects, request.project(), "feature", request, features);
  AddFeatures<core::OnDemandFeatureView>(objects, request.project(), "feature", request, features);
  AddFeatures<core::LabelView>(objects, request.project(), "label", request, features);
  return features;
}

Status ListFeatures(const core::Registry& objects, const wire::ListFeaturesRequest& request, wire::ListFeaturesResponse& response) {
  const std::vector<wire::Feature> features = FeaturesOf(objects, request);
  std::vector<const wire::Feature*> all;
  for (const wire::Feature& feature : features) all.push_back(&feature);
  FillPage(all, request, response, *response.mutable_features());
  return Ok();
}

Status GetFeature(const core::Registry& objects, const wire::GetFeatureRequest& request, wire::Feature& response) {
  wire::ListFeaturesRequest wanted;
  wanted.set_project(request.project());
  wanted.set_feature_view(request.feature_view());
  wanted.set_name(request.name());
  const std::vector<wire::Feature> features = FeaturesOf(objects, wanted);
  if (request.feature_view().empty() || request.name().empty() || features.empty()) {
    return NotFound("FeastObjectNotFoundException: Feature {} not found in feature view {} in project {}", request.name(), request.feature_view(),
                    request.project());
  }
  response = features.front();
  return Ok();
}

template <typename Request>
void FillRelations(const std::vector<Relation>& relations, const Request& request, google::protobuf::RepeatedPtrField<wire::EntityRelation>& into,
                   wire::PaginationMetadata& metadata) {
  std::vector<wire::EntityRelation> messages(relations.size());
  std::vector<const wire::EntityRelation*> all;
  for (std::size_t i = 0; i < relations.size(); ++i) {
    messages[i].mutable_source()->set_type(relations[i].source.type);
    messages[i].mutable_source()->set_name(relations[i].source.name);
    messages[i].mutable_target()->set_type(relations[i].target.type);
    messages[i].mutable_target()->set_name(relations[i].target.name);
    all.push_back(&messages[i]);
  }
  for (const wire::EntityRelation* relation : TakePage(all, request.pagination(), request.sorting(), metadata)) *into.Add() = *relation;
}

Status GetLineage(const core::Registry& objects, const wire::GetRegistryLineageRequest& request, wire::GetRegistryLineageResponse& response) {
  Lineage lineage = SW_TRY(LineageOf(objects, request.project()));
  if (!request.filter_object_type().empty() && !request.filter_object_name().empty()) {
    const auto is_other = [&](const Relation& relation) { return !relation.Names(request.filter_object_type(), request.filter_object_name()); };
    std::erase_if(lineage.direct, is_other);
    std::erase_if(lineage.indirect, is_other);
  }
  FillRelations(lineage.direct, request, *response.mutable_relationships(), *response.mutable_relationships_pagination());
  FillRelations(lineage.indirect, request, *response.mutable_indirect_relationships(), *response.mutable_indirect_relationships_pagination());
  return Ok();
}

Status GetRelationships(const core::Registry& objects, const wire::GetObjectRelationshipsRequest& request, wire::GetObjectRelationshipsResponse& response) {
  Lineage lineage = SW_TRY(LineageOf(objects, request.project()));
  if (request.include_indirect()) std::ranges::move(lineage.indirect, std::back_inserter(lineage.direct));
  std::erase_if(lineage.direct, [&](const Relation& relation) { return !relation.Names(request.object_type(), request.object_name()); });
  FillRelations(lineage.direct, request, *response.mutable_relationships(), *response.mutable_pagination());
  return Ok();
}

// As Feast's server answers: neither infrastructure nor history.
Status GetProto(const core::Registry& objects, const Empty&, core::Registry& response) {
  response = objects;
  response.clear_infra();
  response.clear_project_metadata();
  response.clear_feature_view_version_history();
  return Ok();
}

Status GetInfra(const core::Registry& objects, const wire::GetInfraRequest&, core::Infra& response) {
  response = objects.infra();
  return Ok();
}

template <typename Request>
Status JustRead(const core::Registry&, const Request&, Empty&) {
  return Ok();
}

Status ApplyView(Editor& editor, const wire::ApplyFeatureViewRequest& request) {
  switch (request.base_feature_view_case()) {
    case wire::ApplyFeatureViewRequest::kFeatureView: return editor.Apply(request.feature_view(), request.project());
    case wire::ApplyFeatureViewRequest::kStreamFeatureView: return editor.Apply(request.stream_feature_view(), request.project());
    case wire::ApplyFeatureViewRequest::kOnDemandFeatureView: return editor.Apply(request.on_demand_feature_view(), request.project());
    case wire::ApplyFeatureViewRequest::kLabelView: return editor.Apply(request.label_view(), request.project());
    case wire::ApplyFeatureViewRequest::BASE_FEATURE_VIEW_NOT_SET: break;
  }
  return InvalidArgument("the request holds no feature view");
}

template <typename Object, typename Request>
Status Delete(Editor& editor, const Request& request) {
  return editor.Delete<Object>(request.name(), request.project());
}

void AddViews(Methods& methods) {
  methods.Change<wire::ApplyFeatureViewRequest>("ApplyFeatureView", ApplyView);
  methods.Change<wire::DeleteFeatureViewRequest>("DeleteFeatureView", [](Editor& editor, const auto& request) {
    return editor.DeleteView(request.name(), request.project());
  });
  methods.Read("GetAnyFeatureView", GetAnyView);
  methods.Read("ListAllFeatureViews", ListAllViews);
  methods.Read("GetFeatureView", Get<core::FeatureView, wire::GetFeatureViewRequest>);
  methods.Read("GetStreamFeatureView", Get<core::StreamFeatureView, wire::GetStreamFeatureViewRequest>);
  methods.Read("GetOnDemandFeatureView", Get<core::OnDemandFeatureView, wire::GetOnDemandFeatureViewRequest>);
  methods.Read("GetLabelView", Get<core::LabelView, wire::GetLabelViewRequest>);
  methods.Read("ListFeatureViews", List<core::FeatureView, wire::ListFeatureViewsRequest, wire::ListFeatureViewsResponse,
                                        &wire::ListFeatureViewsResponse::mutable_feature_views>);
  methods.Read("ListStreamFeatureViews", List<core::StreamFeatureView, wire::ListStreamFeatureViewsRequest, wire::ListStreamFeatureViewsResponse,
                                              &wire::ListStreamFeatureViewsResponse::mutable_stream_feature_views>);
  methods.Read("ListOnDemandFeatureViews", List<core::OnDemandFeatureView, wire::ListOnDemandFeatureViewsRequest, wire::ListOnDemandFeatureViewsResponse,
                                                &wire::ListOnDemandFeatureViewsResponse::mutable_on_demand_feature_views>);
  methods.Read("ListLabelViews", List<core::LabelView, wire::ListLabelViewsRequest, wire::ListLabelViewsResponse,
                                      &wire::ListLabelViewsResponse::mutable_label_views>);
  methods.Read("ListFeatures", ListFeatures);
  methods.Read("GetFeature", GetFeature);
  methods.Change<wire::ApplyMaterializationRequest>("ApplyMaterialization", [](Editor& editor, const auto& request) {
    return editor.Materialized(request.feature_view().spec().name(), request.project(), request.start_date(), request.end_date());
  });
}

void AddObjects(Methods& methods) {
  methods.Change<wire::ApplyEntityRequest>("ApplyEntity", [](Editor& editor, const auto& request) { return editor.Apply(request.entity(), request.project()); });
  methods.Read("GetEntity", Get<core::Entity, wire::GetEntityRequest>);
  methods.Read("ListEntities",
               List<core::Entity, wire::ListEntitiesRequest, wire::ListEntitiesResponse, &wire::ListEntitiesResponse::mutable_entities>);
  methods.Change<wire::DeleteEntityRequest>("DeleteEntity", Delete<core::Entity>);
  methods.Change<wire::ApplyDataSourceRequest>("ApplyDataSource",
                                               [](Editor& editor, const auto& request) { return editor.Apply(request.data_source(), request.project()); });
  methods.Read("GetDataSource", Get<core::DataSource, wire::GetDataSourceRequest>);
  methods.Read("ListDataSources", List<core::DataSource, wire::ListDataSourcesRequest, wire::ListDataSourcesResponse,
                                       &wire::ListDataSourcesResponse::mutable_data_sources>);
  methods.Change<wire::DeleteDataSourceRequest>("DeleteDataSource", Delete<core::DataSource>);
  methods.Change<wire::ApplyFeatureServiceRequest>(
      "ApplyFeatureService", [](Editor& editor, const auto& request) { return editor.Apply(request.feature_service(), request.project()); });
  methods.Read("GetFeatureService", Get<core::FeatureService, wire::GetFeatureServiceRequest>);
  methods.Read("ListFeatureServices", ListServices);
  methods.Change<wire::DeleteFeatureServiceRequest>("DeleteFeatureService", Delete<core::FeatureService>);
  methods.Change<wire::ApplyPermissionRequest>("ApplyPermission",
                                               [](Editor& editor, const auto& request) { return editor.Apply(request.permission(), request.project()); });
  methods.Read("GetPermission", Get<core::Permission, wire::GetPermissionRequest>);
  methods.Read("ListPermissions", List<core::Permission, wire::ListPermissionsRequest, wire::ListPermissionsResponse,
                                       &wire::ListPermissionsResponse::mutable_permissions>);
  methods.Change<wire::DeletePermissionRequest>("DeletePermission", Delete<core::Permission>);
}

void AddDatasets(Methods& methods) {
  methods.Change<wire::ApplySavedDatasetRequest>("ApplySavedDataset",
                                                 [](Editor& editor, const auto& request) { return editor.Apply(request.saved_dataset(), request.project()); });
  methods.Read("GetSavedDataset", Get<core::SavedDataset, wire::GetSavedDatasetRequest>);
  methods.Read("ListSavedDatasets", ListDatasets);
  methods.Change<wire::DeleteSavedDatasetRequest>("DeleteSavedDataset", Delete<core::SavedDataset>);
  methods.Change<wire::ApplyValidationReferenceRequest>(
      "ApplyValidationReference", [](Editor& editor, const auto& request) { return editor.Apply(request.validation_reference(), request.project()); });
  methods.Read("GetValidationReference", Get<core::ValidationReference, wire::GetValidationReferenceRequest>);
  methods.Read("ListValidationReferences", List<core::ValidationReference, wire::ListValidationReferencesRequest, wire::ListValidationReferencesResponse,
                                                &wire::ListValidationReferencesResponse::mutable_validation_references>);
  methods.Change<wire::DeleteValidationReferenceRequest>("DeleteValidationReference", Delete<core::ValidationReference>);
  methods.Refuse<wire::CreateDatasetFromRetrievalRequest, wire::CreateDatasetFromRetrievalResponse>("CreateDatasetFromRetrieval");
  methods.Refuse<wire::GetDatasetDataRequest, wire::GetDatasetDataResponse>("GetDatasetData");
  methods.Refuse<wire::GetDatasetJobStatusRequest, wire::GetDatasetJobStatusResponse>("GetDatasetJobStatus");
  methods.Refuse<wire::ListDatasetJobsRequest, wire::ListDatasetJobsResponse>("ListDatasetJobs");
}

void AddProjects(Methods& methods) {
  methods.Change<wire::ApplyProjectRequest>("ApplyProject", [](Editor& editor, const auto& request) { return editor.Apply(request.project()); });
  methods.Read("GetProject", Get<core::Project, wire::GetProjectRequest>);
  methods.Read("ListProjects", ListProjects);
  methods.Change<wire::DeleteProjectRequest>("DeleteProject", [](Editor& editor, const auto& request) { return editor.DeleteProject(request.name()); });
  methods.Read("ListProjectMetadata", ListMetadata);
  methods.Change<wire::UpdateInfraRequest>("UpdateInfra",
                                           [](Editor& editor, const auto& request) { return editor.UpdateInfra(request.infra(), request.project()); });
  methods.Read("GetInfra", GetInfra);
  methods.Read("Commit", JustRead<Empty>);
  methods.Read("Refresh", JustRead<wire::RefreshRequest>);
  methods.Read("Proto", GetProto);
  methods.Read("GetRegistryLineage", GetLineage);
  methods.Read("GetObjectRelationships", GetRelationships);
}

}  // namespace

std::vector<net::Route> RegistryRoutes(Registry* registry, const base::Clock& clock, base::IdGenerator* ids) {
  Methods methods(registry, clock, ids);
  AddViews(methods);
  AddObjects(methods);
  AddDatasets(methods);
  AddProjects(methods);
  return methods.Take();
}

}  // namespace sw::feast
