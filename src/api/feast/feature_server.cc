#include "api/feast/feature_server.h"

#include <algorithm>
#include <charconv>

#include "api/feast/online_json.h"
#include "base/errors.h"
#include "feast/failure.h"
#include "feast/online_write.h"
#include "feast/values.h"

namespace sw::feast {
namespace {

namespace serving = ::feast::serving;
using Types = ::feast::types::ValueType;
using Kind = RequestCell::Kind;

Result<KeyValue> KeyOfCell(const RequestCell& cell, ValueType type, std::deque<std::string>& texts) {
  if (cell.kind == Kind::kInt && (type == Types::INT64 || type == Types::INVALID)) return KeyValue{Types::INT64, cell.number, {}};
  if (cell.kind == Kind::kText && (type == Types::STRING || type == Types::INVALID)) return KeyValue{Types::STRING, 0, cell.text};
  std::string scratch;
  KeyValue value = SW_TRY(ReadKeyValue(cell.ToJson(), type, scratch));
  if (!value.text.empty()) value.text = texts.emplace_back(value.text);
  return value;
}

void AppendKeyJson(const KeyValue& value, std::string& out) {
  if (value.type == Types::STRING) return base::AppendJsonString(out, value.text);
  if (value.type == Types::BYTES) {
    out += '"';
    AppendBase64(out, value.text);
    out += '"';
    return;
  }
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value.number).ptr);
}

// The request's entities, as they are read by and as they are repeated.
struct Entities {
  std::vector<KeyColumn> columns;
  std::vector<EchoedKey> echoes;
  std::size_t rows = 0;
};

bool IsRead(const OnlinePlan& plan, std::string_view key) {
  return std::ranges::any_of(plan.views(), [&](const OnlinePlan::ViewPlan& view) { return std::ranges::find(view.keys, key) != view.keys.end(); });
}

Status ReadColumn(const OnlinePlan::Key& key, const OnlineRequest::Column& column, bool is_read, std::deque<std::string>& texts, Entities& entities) {
  EchoedKey& echo = entities.echoes.emplace_back(EchoedKey{.name = key.name, .values_json = {}});
  echo.values_json.reserve(column.cells.size() * 8);
  KeyColumn read{.name = key.name, .values = {}};
  if (is_read) read.values.reserve(column.cells.size());
  for (const RequestCell& cell : column.cells) {
    if (&cell != &column.cells.front()) echo.values_json += ',';
    if (!is_read) {
      echo.values_json += cell.ToJson().Dump();
      continue;
    }
    auto value = KeyOfCell(cell, key.type, texts);
    if (!value) return std::unexpected(std::move(value).error().Within(fmt::format("entity {}", key.name)));
    AppendKeyJson(*value, echo.values_json);
    read.values.push_back(*value);
  }
  if (is_read) entities.columns.push_back(std::move(read));
  return Ok();
}

Result<Entities> ReadEntities(const OnlinePlan& plan, const OnlineRequest& request, std::deque<std::string>& texts) {
  Entities entities;
  for (const OnlineRequest::Column& column : request.entities) {
    if (column.cells.size() != request.entities.front().cells.size()) return InvalidArgument("All entity rows must have the same columns.");
  }
  for (const OnlineRequest::Column& column : request.entities) {
    const OnlinePlan::Key* key = plan.FindKey(column.name);
    if (key == nullptr) continue;  // Feast takes it for a feature's value
    if (std::ranges::find(entities.echoes, key->name, &EchoedKey::name) != entities.echoes.end()) {
      return InvalidArgument("Join key {} is given twice, as {} too", key->name, column.name);
    }
    SW_TRY(ReadColumn(*key, column, IsRead(plan, key->name), texts, entities));
  }
  // Features of no entity are asked for once.
  entities.rows = request.entities.empty() ? 1 : request.entities.front().cells.size();
  return entities;
}

Status ReadColumn(const OnlinePlan::Key& key, const ::feast::types::RepeatedValue& values, bool is_read, Entities& entities,
                  serving::GetOnlineFeaturesResponse& response) {
  serving::GetOnlineFeaturesResponse::FeatureVector& echo = *response.add_results();
  response.mutable_metadata()->mutable_feature_names()->add_val(key.name);
  KeyColumn read{.name = key.name, .values = {}};
  for (const ::feast::types::Value& value : values.val()) {
    *echo.add_values() = value;
    echo.add_statuses(serving::PRESENT);
    echo.add_event_timestamps();
    if (is_read) read.values.push_back(SW_TRY(ReadKeyValue(value, {key.name, key.type})));
  }
  if (is_read) entities.columns.push_back(std::move(read));
  return Ok();
}

Result<Entities> ReadEntities(const OnlinePlan& plan, const serving::GetOnlineFeaturesRequest& request, serving::GetOnlineFeaturesResponse& response) {
  Entities entities;
  entities.rows = request.entities().empty() ? 1 : static_cast<std::size_t>(request.entities().begin()->second.val_size());
  std::vector<const std::string*> names;  // a map has no order
  for (const auto& [name, values] : request.entities()) {
    if (static_cast<std::size_t>(values.val_size()) != entities.rows) return InvalidArgument("All entity rows must have the same columns.");
    names.push_back(&name);
  }
  std::ranges::sort(names, {}, [](const std::string* name) -> const std::string& { return *name; });
  for (const std::string* name : names) {
    const OnlinePlan::Key* key = plan.FindKey(*name);
    if (key != nullptr) SW_TRY(ReadColumn(*key, request.entities().at(*name), IsRead(plan, key->name), entities, response));
  }
  return entities;
}

void FillFeature(const OnlineAnswer& answer, std::size_t view, std::size_t feature, serving::GetOnlineFeaturesResponse::FeatureVector& vector) {
  for (std::size_t row = 0; row < answer.rows(); ++row) {
    const OnlineAnswer::Entry& entry = answer.At(row, view);
    const auto status = entry.StatusOf(feature);
    vector.add_statuses(status);
    ::feast::types::Value& value = *vector.add_values();
    if (status == serving::PRESENT) {
      const std::string_view bytes = entry.Value(feature);
      value.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
    }
    google::protobuf::Timestamp& stamp = *vector.add_event_timestamps();
    if (entry.row == nullptr) continue;
    const std::int64_t seconds = (entry.event >= 0 ? entry.event : entry.event - (base::kSecondUs - 1)) / base::kSecondUs;
    stamp.set_seconds(seconds);
    stamp.set_nanos(static_cast<std::int32_t>(entry.event - seconds * base::kSecondUs) * 1000);
  }
}

Status CheckTarget(std::string_view to) {
  if (to == "online" || to == "offline" || to == "online_and_offline") return Ok();
  return InvalidArgument("{} is not a supported push format. Please specify one of these ['online', 'offline', 'online_and_offline'].", to);
}

}  // namespace

Result<std::string> FeatureServer::ProjectOr(std::string_view named) const {
  if (!named.empty()) return std::string(named);
  if (!options_.project.empty()) return options_.project;
  const RegistrySnapshot objects = SW_TRY(options_.registry->Snapshot());
  if (objects->projects_size() == 1) return objects->projects(0).spec().name();
  return FailedPrecondition("the registry has {} projects; name one: in the path, /feast/PROJECT/..., or in gRPC's metadata, feast-project",
                            objects->projects_size());
}

Result<std::string> FeatureServer::AnswerJson(std::string_view project, const OnlineRequest& request) {
  const auto prepared =
      SW_TRY(plans_.Find(project, {.service = request.service, .features = request.features, .full_feature_names = request.full_feature_names}));
  std::deque<std::string> texts;
  const Entities entities = SW_TRY(ReadEntities(*prepared->plan, request, texts));
  std::string body;
  SW_TRY(ReadOnline(*options_.rows, *prepared->plan, entities.columns, entities.rows, options_.clock->Now(), [&](const OnlineAnswer& answer) -> Status {
    body = WriteOnlineAnswer(*prepared, entities.echoes, answer, request.wants_versions);
    return Ok();
  }));
  return body;
}

net::Response FeatureServer::Online(std::string_view project, std::string_view body) {
  const auto request = ReadOnlineRequest(body);
  if (!request) return Refusal(request.error());
  auto answer = AnswerJson(project, *request);
  if (!answer) return FailureResponse(answer.error());
  return {.status = 200, .headers = {{"Content-Type", "application/json"}}, .body = *std::move(answer)};
}

Status FeatureServer::Online(std::string_view project, const serving::GetOnlineFeaturesRequest& request, serving::GetOnlineFeaturesResponse& response) {
  const std::vector<std::string_view> features(request.features().val().begin(), request.features().val().end());
  const auto prepared = SW_TRY(plans_.Find(project, {.service = request.feature_service(), .features = features, .full_feature_names = request.full_feature_names()}));
  const OnlinePlan& plan = *prepared->plan;
  const Entities entities = SW_TRY(ReadEntities(plan, request, response));
  for (const std::string& name : plan.names()) response.mutable_metadata()->mutable_feature_names()->add_val(name);
  if (request.include_feature_view_version_metadata()) {
    for (const OnlinePlan::ViewPlan& view : plan.views()) {
      serving::FeatureViewMetadata& metadata = *response.mutable_metadata()->add_feature_view_metadata();
      metadata.set_name(view.alias);
      metadata.set_version(view.view->version);
    }
  }
  response.set_status(true);
  return ReadOnline(*options_.rows, plan, entities.columns, entities.rows, options_.clock->Now(), [&](const OnlineAnswer& answer) -> Status {
    for (std::size_t view = 0; view < plan.views().size(); ++view) {
      for (const std::size_t feature : plan.views()[view].features) FillFeature(answer, view, feature, *response.add_results());
    }
    return Ok();
  });
}

Status FeatureServer::Push(std::string_view project_name, std::string_view source, const Json& frame, std::string_view to) {
  SW_TRY(CheckTarget(to));
  const auto project = SW_TRY(options_.registry->Find(project_name));
  const std::vector<const View*> fed = SW_TRY(project->FedBy(source));
  if (to != "online" && !options_.write_offline) return Unimplemented("this server writes no tables; push to online");
  std::vector<store::OnlineWrite> writes;
  for (const View* view : fed) {
    std::vector<store::OnlineWrite> more = SW_TRY(RecordsOf(*project, *view, frame));
    std::ranges::move(more, std::back_inserter(writes));
  }
  if (to != "online") {
    for (const View* view : fed) SW_TRY(options_.write_offline(*project, *view, frame));
  }
  if (to == "offline" || writes.empty()) return Ok();
  for (const View* view : fed) SW_TRY(options_.rows->Know(RowLayout::Of(view->features)));
  return options_.rows->Write(writes);
}

Status FeatureServer::WriteOnline(std::string_view project_name, std::string_view view_name, const Json& frame) {
  const auto project = SW_TRY(options_.registry->Find(project_name));
  const View* view = project->Find(view_name);
  if (view == nullptr) return NotFound("FeastObjectNotFoundException: Can't recognize feast object with a name {}", view_name);
  return WriteFrame(*options_.rows, *project, *view, frame);
}

net::Response FailureResponse(int status, const Error& error) {
  if (ExceptionOf(error).name == "PushSourceNotFoundException") status = 422;
  return net::JsonResponse(status, Json(ErrorDetail(error)));
}

net::Response FailureResponse(const Error& error) { return FailureResponse(base::HttpStatus(error.code), error); }

}  // namespace sw::feast
