#include "flow/config.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/errors.h"
#include "data/schema.h"
#include "feature/time_zone.h"

namespace sw::flow {
namespace {

const std::vector<std::string> kSections = {"source", "entity", "view", "request", "service", "training_set",
                                            "recipe", "gate", "endpoint", "rollout", "monitor", "retrain", "server"};

constexpr std::int64_t kConcurrencyMax = 1'000, kQueueMax = 1'000'000, kCacheRowsMax = 10'000'000;
constexpr DurationUs kDelayMax = base::kSecondUs;

// The tables of one section, by name; none when the section is absent.
Result<std::vector<std::pair<std::string, Json>>> Tables(const Json& json, const std::string& section) {
  std::vector<std::pair<std::string, Json>> tables;
  const Json* found = json.Find(section);
  if (found == nullptr) return tables;
  if (!found->IsObject()) return InvalidArgument("{}: expected tables such as [{}.name], found {}", section, section, found->TypeName());
  for (const auto& [name, table] : found->AsObject()) {
    if (!table.IsObject()) return InvalidArgument("{}.{}: expected a table, found {}", section, name, table.TypeName());
    tables.emplace_back(name, table);
  }
  return tables;
}

// Reads the text members of one table and refuses unknown keys.
class TableReader {
 public:
  TableReader(std::string path, const Json& table) : path_(std::move(path)), table_(table) {}

  Status Text(const char* key, std::string& into) {
    known_.emplace_back(key);
    const Json* value = table_.Find(key);
    if (value == nullptr) return Ok();
    if (!value->IsString()) return InvalidArgument("{}.{}: expected text, found {}", path_, key, value->TypeName());
    into = value->AsString();
    return Ok();
  }
  Status Flag(const char* key, bool& into) {
    known_.emplace_back(key);
    const Json* value = table_.Find(key);
    if (value == nullptr) return Ok();
    if (!value->IsBool()) return InvalidArgument("{}.{}: expected true or false, found {}", path_, key, value->TypeName());
    into = value->AsBool();
    return Ok();
  }
  Status Count(const char* key, std::int64_t max, std::int64_t& into) {
    known_.emplace_back(key);
    const Json* value = table_.Find(key);
    if (value == nullptr) return Ok();
    if (!value->IsInt() || value->AsInt() < 1 || value->AsInt() > max) {
      return InvalidArgument("{}.{}: expected a number from 1 to {}, found {}", path_, key, max, value->Dump().substr(0, 32));
    }
    into = value->AsInt();
    return Ok();
  }
  Status Duration(const char* key, DurationUs& into) {
    std::string text;
    SW_TRY(Text(key, text));
    if (text.empty()) return Ok();
    const auto duration = base::ParseDuration(text);
    if (!duration) return InvalidArgument("{}.{}: expected a duration such as \"10d\", found {}", path_, key, text);
    into = *duration;
    return Ok();
  }
  Status Finish() const {
    for (const auto& [key, value] : table_.AsObject()) {
      if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
      return InvalidArgument("{}.{}: unknown key; known are {}", path_, key, fmt::join(known_, ", "));
    }
    return Ok();
  }

 private:
  std::string path_;
  const Json& table_;
  std::vector<std::string> known_;
};

// "endpoint.late.service: there is no service ..." unless the map has the name.
template <typename Map>
Status MustExist(const std::string& key, const std::string& kind, const std::string& name, const Map& map) {
  if (map.contains(name)) return Ok();
  std::vector<std::string> names;
  for (const auto& [known, value] : map) names.push_back(known);
  return InvalidArgument("{}: there is no {} {}; {}", key, kind, name, Suggestion(name, names));
}

Result<EndpointDef> ParseEndpoint(const std::string& name, const Json& table) {
  EndpointDef endpoint{.name = name, .model = name, .service = {}, .training_set = {}, .unit = {}, .gate = {}};
  TableReader reader("endpoint." + name, table);
  SW_TRY(reader.Text("model", endpoint.model));
  SW_TRY(reader.Text("service", endpoint.service));
  SW_TRY(reader.Text("training_set", endpoint.training_set));
  SW_TRY(reader.Text("unit", endpoint.unit));
  SW_TRY(reader.Text("gate", endpoint.gate));
  SW_TRY(reader.Flag("log", endpoint.log));
  SW_TRY(reader.Flag("audit", endpoint.audit));
  SW_TRY(reader.Flag("durable", endpoint.durable));
  SW_TRY(reader.Count("concurrency_max", kConcurrencyMax, endpoint.concurrency_max));
  SW_TRY(reader.Count("queue_max", kQueueMax, endpoint.queue_max));
  SW_TRY(reader.Duration("max_delay", endpoint.max_delay));
  SW_TRY(reader.Count("cache_rows", kCacheRowsMax, endpoint.cache_rows));
  SW_TRY(reader.Finish());
  if (endpoint.max_delay < 0 || endpoint.max_delay > kDelayMax) {
    return InvalidArgument("endpoint.{}.max_delay: expected a duration up to {}, found {}", name, base::FormatDuration(kDelayMax),
                           base::FormatDuration(endpoint.max_delay));
  }
  if (endpoint.cache_rows > 0 && !endpoint.service.empty()) {
    return InvalidArgument("endpoint.{}.cache_rows: its features come from service {}, and change with time; only an endpoint whose requests "
                           "bring the model's inputs can answer from a cache", name, endpoint.service);
  }
  if (endpoint.durable && !endpoint.log) {
    return InvalidArgument("endpoint.{}.durable: with log = false there is no record to wait for; leave one of the two out", name);
  }
  return endpoint;
}

Result<RetrainDef> ParseRetrain(const std::string& name, const Json& table) {
  RetrainDef retrain{.name = name, .recipe = name, .endpoint = name};
  TableReader reader("retrain." + name, table);
  SW_TRY(reader.Text("recipe", retrain.recipe));
  SW_TRY(reader.Text("endpoint", retrain.endpoint));
  SW_TRY(reader.Text("every", retrain.every));
  SW_TRY(reader.Text("time_zone", retrain.time_zone));
  SW_TRY(reader.Duration("held_out", retrain.held_out));
  SW_TRY(reader.Duration("window", retrain.window));
  SW_TRY(reader.Finish());
  const auto every = base::ParseDuration(retrain.every);
  if (retrain.every != "month" && (!every || *every <= 0)) {
    return InvalidArgument("retrain.{}.every: expected \"month\" or a duration, found {}", name, retrain.every);
  }
  if (retrain.held_out <= 0) {
    return InvalidArgument("retrain.{}.held_out: expected how much the gate judges on, such as \"10d\"", name);
  }
  if (const auto zone = feature::TimeZone::Find(retrain.time_zone); !zone) {
    return InvalidArgument("retrain.{}.time_zone: {}", name, zone.error().message);
  }
  return retrain;
}

Status CheckEndpoint(const Config& config, const EndpointDef& endpoint) {
  const std::string key = "endpoint." + endpoint.name;
  if (!endpoint.service.empty()) SW_TRY(MustExist(key + ".service", "service", endpoint.service, config.features.services));
  if (!endpoint.gate.empty()) SW_TRY(MustExist(key + ".gate", "gate", endpoint.gate, config.gates));
  if (endpoint.training_set.empty()) return Ok();
  SW_TRY(MustExist(key + ".training_set", "training set", endpoint.training_set, config.features.training_sets));
  const auto& set = config.features.training_sets.at(endpoint.training_set);
  if (set.service != endpoint.service) {
    return InvalidArgument("{}.training_set: {} uses service {}, the endpoint {}", key, set.name, set.service, endpoint.service);
  }
  return Ok();
}

// The gate judges on the training set's rows: a slice that they lack would fail only after training.
Status CheckGateSlices(const Config& config, const EndpointDef& endpoint) {
  const eval::GatePolicy* gate = GateOfEndpoint(config, endpoint);
  if (gate == nullptr || endpoint.training_set.empty()) return Ok();
  const std::vector<std::string>& known = config.features.training_sets.at(endpoint.training_set).slices;
  for (const std::string& slice : gate->slices) {
    if (std::find(known.begin(), known.end(), slice) != known.end()) continue;
    return InvalidArgument("gate.{}.slices: training set {} of endpoint {} declares no slice {}; {}", gate->name, endpoint.training_set,
                           endpoint.name, slice, Suggestion(slice, known));
  }
  return Ok();
}

// What reads an endpoint's log would wait for rows that never come.
Status CheckLogged(const Config& config, const std::string& reader, const std::string& endpoint) {
  if (config.endpoints.at(endpoint).log) return Ok();
  return InvalidArgument("{}: endpoint {} has log = false, and this judges by its log; log it, or leave this out", reader, endpoint);
}

// A slice that no request brings would be guarded in name only.
Status CheckSlices(const Config& config, const rollout::Plan& plan) {
  const std::string& service = config.endpoints.at(plan.endpoint).service;
  if (service.empty()) return Ok();
  const std::vector<std::string> inputs = RequestInputs(config.features, service);
  for (const std::string& slice : plan.slices) {
    if (std::find(inputs.begin(), inputs.end(), slice) != inputs.end()) continue;
    return InvalidArgument("rollout.{}.slices: requests to endpoint {} bring no {}; they bring {}", plan.name, plan.endpoint, slice,
                           fmt::join(inputs, ", "));
  }
  return Ok();
}

Status CheckReferences(const Config& config) {
  for (const auto& [name, recipe] : config.recipes) {
    SW_TRY(MustExist("recipe." + name + ".training_set", "training set", recipe.training_set, config.features.training_sets));
  }
  for (const auto& [name, endpoint] : config.endpoints) {
    SW_TRY(CheckEndpoint(config, endpoint));
    SW_TRY(CheckGateSlices(config, endpoint));
  }
  for (const auto& [name, plan] : config.rollouts) {
    SW_TRY(MustExist("rollout." + name + ".endpoint", "endpoint", plan.endpoint, config.endpoints));
    SW_TRY(CheckSlices(config, plan));
    if (rollout::GathersEvidence(plan)) SW_TRY(CheckLogged(config, "rollout." + name + ".steps", plan.endpoint));
  }
  for (const auto& [name, monitor] : config.monitors) {
    SW_TRY(MustExist("monitor." + name + ".endpoint", "endpoint", monitor.endpoint, config.endpoints));
    SW_TRY(CheckLogged(config, "monitor." + name + ".endpoint", monitor.endpoint));
  }
  for (const auto& [name, retrain] : config.retrains) {
    SW_TRY(MustExist("retrain." + name + ".endpoint", "endpoint", retrain.endpoint, config.endpoints));
    SW_TRY(MustExist("retrain." + name + ".recipe", "recipe", retrain.recipe, config.recipes));
    const EndpointDef& endpoint = config.endpoints.at(retrain.endpoint);
    if (GateOfEndpoint(config, endpoint) == nullptr) {
      return InvalidArgument("retrain.{}.endpoint: endpoint {} has no gate to judge what is trained; define [gate.{}], or name one in endpoint.{}.gate",
                             name, endpoint.name, endpoint.name, endpoint.name);
    }
  }
  return Ok();
}

}  // namespace

const eval::GatePolicy* GateOfEndpoint(const Config& config, const EndpointDef& endpoint) {
  const auto found = config.gates.find(endpoint.gate.empty() ? endpoint.name : endpoint.gate);
  return found == config.gates.end() ? nullptr : &found->second;
}

std::string Suggestion(const std::string& wanted, const std::vector<std::string>& known) {
  const std::vector<std::string> near = data::NearMisses(wanted, known);
  if (!near.empty()) return fmt::format("did you mean {}?", fmt::join(near, ", "));
  return known.empty() ? "there are none" : fmt::format("there are {}", fmt::join(known, ", "));
}

std::vector<std::string> RequestInputs(const feature::Definitions& defined, const std::string& service) {
  std::vector<std::string> names;
  const auto add = [&](const std::vector<data::Field>& fields) {
    for (const data::Field& field : fields) {
      if (std::find(names.begin(), names.end(), field.name) == names.end()) names.push_back(field.name);
    }
  };
  for (const std::string& feature : defined.services.at(service).features) {
    const std::string group = feature.substr(0, feature.find('.'));
    if (const auto request = defined.requests.find(group); request != defined.requests.end()) {
      add(request->second.inputs);
    } else if (const auto view = defined.views.find(group); view != defined.views.end()) {
      add(defined.entities.at(view->second.entity).keys);
    }
  }
  return names;
}

Result<Config> ParseConfig(const Json& json) {
  if (!json.IsObject()) return InvalidArgument("expected tables such as [source.name], found {}", json.TypeName());
  Json features = Json::MakeObject();
  for (const auto& [section, tables] : json.AsObject()) {
    if (std::find(kSections.begin(), kSections.end(), section) == kSections.end()) {
      return InvalidArgument("{}: unknown section; {}", section, Suggestion(section, kSections));
    }
  }
  for (const char* section : {"source", "entity", "view", "request", "service", "training_set"}) {
    if (const Json* tables = json.Find(section)) features.Set(section, *tables);
  }
  Config config;
  config.features = SW_TRY(feature::ParseDefinitions(features));
  for (const auto& [name, table] : SW_TRY(Tables(json, "recipe"))) config.recipes[name] = SW_TRY(train::ParseRecipe(name, table));
  for (const auto& [name, table] : SW_TRY(Tables(json, "gate"))) config.gates[name] = SW_TRY(eval::ParseGate(name, table));
  for (const auto& [name, table] : SW_TRY(Tables(json, "endpoint"))) config.endpoints[name] = SW_TRY(ParseEndpoint(name, table));
  for (const auto& [name, table] : SW_TRY(Tables(json, "rollout"))) config.rollouts[name] = SW_TRY(rollout::ParsePlan(name, table));
  for (const auto& [name, table] : SW_TRY(Tables(json, "monitor"))) config.monitors[name] = SW_TRY(monitor::ParseMonitorPolicy(name, table));
  for (const auto& [name, table] : SW_TRY(Tables(json, "retrain"))) config.retrains[name] = SW_TRY(ParseRetrain(name, table));
  SW_TRY(CheckReferences(config));
  return config;
}

}  // namespace sw::flow
