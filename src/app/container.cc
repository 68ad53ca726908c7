#include "app/container.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <thread>
#include <utility>

#include "base/errors.h"
#include "base/files.h"

namespace sw::app {
namespace {

// A batch transform's requests may have that many MiB together.
constexpr std::size_t kTransformsMibMax = 100;

class Variables {
 public:
  explicit Variables(const Settings::Environment& environment) : environment_(environment) {}

  std::string Text(const char* name) const {
    const char* value = environment_(name);
    return value == nullptr ? "" : value;
  }
  bool IsTrue(const char* name) const {
    const std::string text = Text(name);
    return text == "true" || text == "True" || text == "1";
  }
  // 0 when it is not set.
  Result<std::size_t> Number(const char* name, std::size_t most) const {
    const std::string text = Text(name);
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool is_number = error == std::errc() && end == text.data() + text.size() && value <= most;
    if (text.empty() || is_number) return value;
    return InvalidArgument("{}: expected a number from 0 to {}, found {}", name, most, text);
  }
  // "0.0.0.0:8080": nothing but the cloud's own front reaches the container.
  Result<std::string> Listen(const char* name) const {
    const std::size_t port = SW_TRY(Number(name, 65535));
    return fmt::format("0.0.0.0:{}", port == 0 ? 8080 : port);
  }

 private:
  const Settings::Environment& environment_;
};

bool IsVertex(const Variables& variables) {
  return !variables.Text("AIP_MODE").empty() || !variables.Text("AIP_HTTP_PORT").empty() || !variables.Text("AIP_PREDICT_ROUTE").empty();
}

// What this machine would like, unless the job's owner said otherwise.
Result<sagemaker::BatchTransform> BatchOf(const Variables& variables) {
  sagemaker::BatchTransform batch;
  const std::size_t payload = SW_TRY(variables.Number("SAGEMAKER_MAX_PAYLOAD_IN_MB", kTransformsMibMax));
  if (payload != 0) batch.payload_mib_max = payload;
  const std::size_t transforms = SW_TRY(variables.Number("SAGEMAKER_MAX_CONCURRENT_TRANSFORMS", 100'000));
  const std::size_t fit = kTransformsMibMax / batch.payload_mib_max;
  batch.transforms_max = transforms != 0 ? transforms : std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, fit);
  const std::string strategy = variables.Text("SAGEMAKER_BATCH_STRATEGY");
  batch.is_single_record = strategy == "SingleRecord" || strategy == "SINGLE_RECORD";
  if (strategy.empty() || batch.is_single_record || strategy == "MultiRecord" || strategy == "MULTI_RECORD") return batch;
  return InvalidArgument("SAGEMAKER_BATCH_STRATEGY: expected MultiRecord or SingleRecord, found {}", strategy);
}

Result<Container> SagemakerOf(const Settings& settings, const Variables& variables) {
  Container container;
  const std::string& root = settings.Text("container_root");
  const bool is_multi = variables.IsTrue("SAGEMAKER_MULTI_MODEL");
  container.kind = is_multi ? ContainerKind::kSagemakerMultiModel : ContainerKind::kSagemaker;
  container.model_folder = base::JoinPath(root, "model");
  container.models_folder = base::JoinPath(root, "models");
  container.listen = SW_TRY(variables.Listen("SAGEMAKER_BIND_TO_PORT"));
  container.default_accept = variables.Text("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT");
  container.batch = SW_TRY(BatchOf(variables));
  const bool is_limited = variables.IsTrue("SAGEMAKER_BATCH") && SW_TRY(variables.Number("SAGEMAKER_MAX_PAYLOAD_IN_MB", kTransformsMibMax)) != 0;
  container.body_bytes_max = is_limited ? container.batch.payload_mib_max << 20 : settings.Bytes("body_bytes_max");
  if (is_multi || base::Exists(container.model_folder)) return container;
  return NotFound("there is no model in {}; SageMaker unpacks model.tar.gz there, and the setting container_root says where \"model\" lies",
                  container.model_folder);
}

// A path that a router takes as it stands.
Status CheckPath(const char* name, const std::string& path) {
  const bool is_path = path.starts_with('/') && path.find_first_of("{}?#% ") == path.npos;
  if (is_path) return Ok();
  return InvalidArgument("{}: expected a path such as /predict, found {}", name, path);
}

Result<std::string> VertexModel(const Settings& settings, const Variables& variables) {
  std::string uri = variables.Text("AIP_STORAGE_URI");
  if (uri.starts_with("file://")) uri.erase(0, 7);
  if (uri.contains("://")) {
    return Unimplemented("AIP_STORAGE_URI is {}: this program reads no bucket; put the model into the image's folder {}, and "
                         "upload the model without an artifact URI",
                         uri, base::JoinPath(settings.Text("container_root"), "model"));
  }
  std::string folder = uri.empty() ? base::JoinPath(settings.Text("container_root"), "model") : uri;
  if (base::Exists(folder)) return folder;
  return NotFound("there is no model in {}; AIP_STORAGE_URI is {}", folder, uri.empty() ? "not set" : uri);
}

Result<Container> VertexOf(const Settings& settings, const Variables& variables) {
  Container container;
  container.kind = ContainerKind::kVertex;
  const std::string mode = variables.Text("AIP_MODE");
  if (!mode.empty() && mode != "PREDICTION") return InvalidArgument("AIP_MODE: expected PREDICTION, found {}", mode);
  container.listen = SW_TRY(variables.Listen("AIP_HTTP_PORT"));
  container.health_route = variables.Text("AIP_HEALTH_ROUTE");
  container.predict_route = variables.Text("AIP_PREDICT_ROUTE");
  const std::string endpoint = variables.Text("AIP_ENDPOINT_ID"), deployed = variables.Text("AIP_DEPLOYED_MODEL_ID");
  const std::string usual = fmt::format("/v1/endpoints/{}/deployedModels/{}", endpoint, deployed);
  const bool has_usual = !endpoint.empty() && !deployed.empty();
  if (container.health_route.empty() && has_usual) container.health_route = usual;
  if (container.predict_route.empty() && has_usual) container.predict_route = usual + ":predict";
  SW_TRY(CheckPath("AIP_HEALTH_ROUTE", container.health_route));
  SW_TRY(CheckPath("AIP_PREDICT_ROUTE", container.predict_route));
  container.model_folder = SW_TRY(VertexModel(settings, variables));
  container.body_bytes_max = settings.Bytes("body_bytes_max");
  return container;
}

}  // namespace

Result<std::optional<Container>> ContainerOf(const Settings& settings, const Settings::Environment& environment) {
  const Variables variables(environment);
  const std::string& wanted = settings.Text("container");
  if (wanted == "none" || (wanted == "auto" && settings.IsSet("data"))) return std::nullopt;
  if (settings.IsSet("data")) {
    return InvalidArgument("{}: a container keeps nothing, and {} names a data folder; leave one of them out", settings.Origin("container"),
                           settings.Origin("data"));
  }
  if (wanted == "vertex" || (wanted == "auto" && IsVertex(variables))) return SW_TRY(VertexOf(settings, variables));
  const bool is_there = variables.IsTrue("SAGEMAKER_MULTI_MODEL") || base::Exists(base::JoinPath(settings.Text("container_root"), "model"));
  if (wanted == "sagemaker" || is_there) return SW_TRY(SagemakerOf(settings, variables));
  return std::nullopt;
}

}  // namespace sw::app
