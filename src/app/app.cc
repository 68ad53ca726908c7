#include "app/app.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

#include "app/doctor.h"
#include "app/python_settings.h"
#include "app/routes.h"
#include "app/server_options.h"
#include "base/errors.h"
#include "model/engines/cpu_text.h"
#include "net/dispatch.h"

namespace sw::app {
namespace {

constexpr auto kUpkeepEvery = std::chrono::seconds(5);
constexpr std::size_t kJobsWaitingMax = 64;  // limit jobs_waiting_max
constexpr std::size_t kPatientThreads = 2;   // one load at a time: the second waits, or starts a process
constexpr std::size_t kPatientMax = 64;      // limit patient_queue_max

constexpr std::array kMigrations = {store::Migration{1, R"sql(
CREATE TABLE app_clock(id BIGINT PRIMARY KEY, now_us BIGINT NOT NULL);
)sql"}};

Result<TimeUs> SavedClock(const store::Catalog& catalog) {
  TimeUs saved = 0;
  SW_TRY(catalog.Read([&](store::CatalogReader& reader) -> Status {
    const auto rows = SW_TRY(reader.Query("SELECT now_us FROM app_clock WHERE id = 1"));
    if (!rows.empty()) saved = rows[0].Int(0);
    return Ok();
  }));
  return saved;
}

Result<std::string> OwnProgram() {
  std::array<char, 4096> path{};
  const ssize_t size = readlink("/proc/self/exe", path.data(), path.size());
  if (size <= 0) return Internal("cannot find this program's own path in /proc/self/exe");
  return std::string(path.data(), static_cast<std::size_t>(size));
}

}  // namespace

Result<std::unique_ptr<App>> App::Open(const Settings& settings, std::string_view purpose) {
  if (!settings.IsSet("data")) {
    return InvalidArgument(
        "no data folder: give --data FOLDER (it is made when it does not exist)");
  }
  std::unique_ptr<App> app(new App(settings));
  SW_TRY(app->OpenStores(purpose));
  SW_TRY(app->OpenRooms());
  SW_TRY(app->MakeRoutes());
  return app;
}

Status App::OpenStores(std::string_view purpose) {
  auto manual = std::make_unique<base::ManualClock>(0);
  if (settings_.Text("clock") == "manual") {
    manual_clock_ = manual.get();
    clock_ = std::move(manual);
  } else {
    clock_ = std::make_unique<base::SystemClock>();
  }
  log_ = std::make_unique<base::Logger>(
      base::Logger::ForStderr(*clock_, SW_TRY(base::ParseLogLevel(settings_.Text("log_level")))));
  tracing_ = SW_TRY(OpenTracing(settings_, counters_, *log_));
  ids_ = std::make_unique<base::IdGenerator>(*clock_, base::Random::FromSystem());
  data_ = SW_TRY(store::DataFolder::Open(settings_.Text("data"), *clock_, counters_, purpose));
  SW_TRY(data_->catalog().Migrate("app", kMigrations));
  if (manual_clock_ == nullptr) return Ok();
  clock_file_ = SW_TRY(ClockFile::Open(base::JoinPath(settings_.Text("data"), "clock")));
  const TimeUs start =
      settings_.IsSet("clock_start") ? SW_TRY(base::ParseTime(settings_.Text("clock_start"))) : 0;
  return manual_clock_->AdvanceTo(
      std::max({start, SW_TRY(SavedClock(data_->catalog())), SW_TRY(clock_file_->Read())}));
}

// Of one endpoint, whose models may wait for a process of their own. Two: one answers the live arm
// while the other waits for a canary.
std::unique_ptr<base::Executor> App::BlockingThreads() {
  return std::make_unique<base::ThreadPool>(
      base::ThreadPool::Options{.name = "blocking",
                                .threads = 2,
                                .queue_max = 256,
                                .refused = &counters_.Get("app_refused_total", "Work turned away.",
                                                          {{"limit", "blocking_queue_max"}})});
}

void App::OpenPools() {
  loads_ = std::make_unique<LoadThread>(LoadThread::Options{.settings = &settings_,
                                                            .counters = &counters_,
                                                            .holders = [this] { return endpoints_ ? endpoints_->MemoryHolders() : std::vector<model::MemoryHolder>(); },
                                                            .drop_idle = [this] { if (flow_) flow_->DropIdlePackages(); }});
  patient_ = std::make_unique<base::ThreadPool>(base::ThreadPool::Options{.name = "patient",
                                                                          .threads = kPatientThreads,
                                                                          .queue_max = kPatientMax,
                                                                          .refused = &counters_.Get("app_refused_total", "Work turned away.",
                                                                                                    {{"limit", "patient_queue_max"}})});
  workers_ = std::make_unique<base::ThreadPool>(base::ThreadPool::Options{
      .name = "workers",
      .threads = static_cast<std::size_t>(std::max<std::int64_t>(1, settings_.Count("workers"))),
      .refused = &counters_.Get("app_refused_total", "Work turned away.",
                                {{"limit", "workers_queue_max"}})});
  shadows_ = std::make_unique<base::ThreadPool>(
      base::ThreadPool::Options{.name = "shadows",
                                .threads = 1,
                                .nice = 10,
                                .refused = &counters_.Get("app_refused_total", "Work turned away.",
                                                          {{"limit", "shadows_queue_max"}})});
  timing_ = std::make_unique<base::ThreadPool>(base::ThreadPool::Options{.name = "timing", .threads = 1, .nice = 19});
}

Status App::OpenRooms() {
  store::Catalog& catalog = data_->catalog();
  configuration_ = SW_TRY(AppliedConfiguration::Open(catalog, *clock_, settings_.Text("tables")));
  const auto config = configuration_->config();
  feature::FeatureStoreOptions feature_options;
  feature_options.tables_folder = settings_.Text("tables");
  features_ = SW_TRY(
      feature::MakeFeatureStore(std::make_shared<const feature::Definitions>(config->features),
                                data_->logbook(), data_->online(), feature_options));
  data_->OnlineWasRebuilt();
  registry_ = SW_TRY(registry::Registry::Open(catalog, *clock_));
  tracker_ = SW_TRY(track::Tracker::Open(catalog, *clock_, *ids_));
  keyring_ = SW_TRY(auth::Keyring::Open(catalog, *clock_, auth::SystemEntropy));

  python_ = SW_TRY(OpenPythonHost(settings_.Text("config"), stop_models_.get_token()));
  OpenPools();
  tuner_ = SW_TRY(flow::EngineTuner::Open({.catalog = &catalog,
                                           .executor = timing_.get(),
                                           .clock = clock_.get(),
                                           .log = log_.get(),
                                           .counters = &counters_,
                                           .cpu = model::CpuText()}));
  feature_reader_ = std::make_unique<StoreFeatures>(*features_);
  prediction_log_ =
      std::make_unique<LogbookPredictions>(data_->logbook(), "serve-" + ids_->NewUuid());
  packages_ = std::make_unique<BlobPackages>(data_->blobs(), engines(), *tuner_, loads_->loader());
  serve::Endpoints::Options endpoints;
  endpoints.clock = clock_.get();
  endpoints.counters = &counters_;
  endpoints.features = feature_reader_.get();
  endpoints.log = prediction_log_.get();
  endpoints.shadow = shadows_.get();
  endpoints.scoring = workers_.get();
  endpoints.blocking = [this] { return BlockingThreads(); };
  endpoints.random = base::Random::FromSystem();
  endpoints.ring.flush_every_ms = 40;  // half of the wake-ups and writes: whoever needs a row sooner flushes
  endpoints.trace = TracePredictions(tracing_.get());
  endpoints_ = std::make_unique<serve::Endpoints>(endpoints);
  serving_ = std::make_unique<EndpointServing>(*endpoints_, *features_, *packages_, *tuner_);

  flow::Flow::Options flow;
  flow.data = data_.get();
  flow.features = features_.get();
  flow.registry = registry_.get();
  flow.tracker = tracker_.get();
  flow.serving = serving_.get();
  flow.clock = clock_.get();
  flow.ids = ids_.get();
  flow.log = log_.get();
  flow.counters = &counters_;
  flow.train_worker = {SW_TRY(OwnProgram()), "train-worker"};
  flow.tables_folder = settings_.Text("tables");
  flow.engines = engines();
  flow.tuner = tuner_.get();
  flow.loader = &loads_->loader();
  flow_ = SW_TRY(flow::Flow::Open(flow));
  SW_TRY(flow_->Configure(config));
  configuration_->Connect(*features_, *flow_);

  job_pool_ = std::make_unique<base::ThreadPool>(base::ThreadPool::Options{
      .name = "jobs",
      .threads = static_cast<std::size_t>(std::max<std::int64_t>(1, settings_.Count("jobs"))),
      .queue_max = kJobsWaitingMax,
      .refused = &counters_.Get("app_refused_total", "Work turned away.",
                                {{"limit", "jobs_waiting_max"}})});
  jobs_ = std::make_unique<native::Jobs>(*clock_, *ids_, *job_pool_, counters_);
  feast_ = SW_TRY(FeastServer::Open(settings_, *clock_, *ids_, *job_pool_, *workers_));
  return Ok();
}

Status App::MakeRoutes() {
  context_.data = data_.get();
  context_.features = features_.get();
  context_.registry = registry_.get();
  context_.tracker = tracker_.get();
  context_.keyring = keyring_.get();
  context_.endpoints = endpoints_.get();
  context_.flow = flow_.get();
  context_.jobs = jobs_.get();
  context_.configuration = configuration_.get();
  context_.clock = clock_.get();
  context_.program_version = SW_VERSION;
  context_.tables_folder = settings_.Text("tables");
  if (manual_clock_ != nullptr)
    context_.advance_clock = [this](TimeUs now) { return AdvanceClock(now); };
  context_.doctor = [this](bool verify) { return Doctor(verify); };
  health_ = std::make_shared<grpc::Health>(std::vector<std::string>{"feast.registry.RegistryServer", "inference.GRPCInferenceService", "seaworthy.v1.Predictions",
                                                                  "tensorflow.serving.ModelService", "tensorflow.serving.PredictionService"});
  router_ =
      std::make_unique<net::Router>(SW_TRY(net::Router::Make(AllRoutes(context_, counters_, health_, settings_.Text("default_endpoint"),
                                                                SW_TRY(base::ParseLogLevel(settings_.Text("log_level"))),
                                                                feast_->Routes()))));
  return Ok();
}

App::~App() {
  stop_models_.request_stop();
  stop_models_later_ = {};
  upkeep_ = {};
  if (job_pool_) job_pool_->Drain();
  // The log ring writes through what is destroyed after it.
  if (data_) static_cast<void>(Drain());
}

void App::StopModelsIn(DurationUs time) {
  stop_models_later_ = std::jthread([this, time](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, std::chrono::microseconds(time), [&] { return stop.stop_requested(); });
    stop_models_.request_stop();
  });
}

void App::FailReadiness() { health_->SetServing(false); }

Status App::Drain() {
  if (job_pool_) job_pool_->Drain();
  if (endpoints_) SW_TRY(endpoints_->Drain());
  return data_->DrainOutbox();  // what is left there leaves at the next start
}

net::Response App::Dispatch(net::Request request) const {
  request.caller = auth::LocalCaller();
  if (upkeep_.joinable() || !endpoints_->ExplainsAny()) return net::Dispatch(*router_, std::move(request));
  net::Response response = net::Dispatch(*router_, request);
  if (response.status != 503) return response;
  // Perhaps a model's process that only a server starts by itself.
  flow_->PublishRest(base::MonotonicNs() / 1000);
  return net::Dispatch(*router_, std::move(request));
}

Result<std::unique_ptr<net::Server>> App::Listen() {
  net::ServerOptions options = SW_TRY(ServerOptionsOf(settings_));
  std::vector<std::string> addresses;
  for (const net::Listen& listen : options.listens) addresses.push_back(listen.address);
  access_ = std::make_unique<auth::Access>(SW_TRY(auth::Access::Decide(addresses, *keyring_)));
  for (net::Listen& listen : options.listens) listen.loopback_only = access_->loopback_only();
  options.executor = workers_.get();
  options.patient = patient_.get();
  if (tracing_) options.observer = &tracing_->tracer;
  options.authorize = [this](const net::Request& request,
                             const net::Route& route) -> Result<Caller> {
    Caller caller = SW_TRY(access_->Admit(request.headers.Get("Authorization"), route.scope));
    if (caller.workspace == "default" || KeepsWorkspacesApart(route)) return caller;
    return PermissionDenied("{} belongs to workspace {}; {} is kept for workspace default only",
                            caller.principal, caller.workspace, route.pattern);
  };
  auto server = SW_TRY(net::Server::Start(std::move(options), *router_, counters_));
  upkeep_ = std::jthread([this](const std::stop_token& stop) { RunUpkeep(stop); });
  return server;
}

// On a system clock nobody tells us that time has moved.
void App::RunUpkeep(const std::stop_token& stop) {
  const auto publish_rest = [this] { flow_->PublishRest(base::MonotonicNs() / 1000); };
  std::unique_lock lock(upkeep_mutex_);
  publish_rest();
  while (!upkeep_wake_.wait_for(lock, stop, kUpkeepEvery, [&] { return stop.stop_requested(); })) {
    publish_rest();
    loads_->memory().Note();
    endpoints_->NoteMemory();
    if (const Status drained = data_->DrainOutbox(); !drained) {
      log_->Warning("outbox could not be drained", {{"error", drained.error().message}});
    }
    if (manual_clock_ != nullptr) continue;
    if (const Status done = flow_->RunDue(clock_->Now()); !done) {
      log_->Warning("work that was due failed; it is tried again",
                    {{"error", done.error().message}});
    }
  }
}

Status App::AdvanceClock(TimeUs now) {
  const std::lock_guard lock(clock_mutex_);
  const TimeUs before = manual_clock_->Now();
  SW_TRY(manual_clock_->AdvanceTo(now));
  SW_TRY(clock_file_->Save(now));
  // What falls due is acknowledged in the catalog, and so is that its hour has come.
  if (now / base::kHourUs != before / base::kHourUs) SW_TRY(SaveClock(now));
  SW_TRY(flow_->RunDue(now));
  return data_->DrainOutbox();
}

// A restart must not take time back.
Status App::SaveClock(TimeUs now) {
  return data_->catalog().Write([&](store::CatalogTransaction& tx) -> Status {
    SW_TRY(
        tx.Execute("INSERT INTO app_clock(id, now_us) VALUES (1, ?) ON CONFLICT(id) DO UPDATE SET "
                   "now_us = excluded.now_us",
                   {now}));
    return Ok();
  });
}

Result<Json> App::Doctor(bool verify) {
  std::vector<Finding> findings = CheckProcess(settings_);
  const PackageCheck load = [this](const std::string& id, const model::PackageParts& parts) {
    return loads_->loader().Load(id, parts, engines());
  };
  for (Finding& finding : CheckFolder(*data_, *registry_, load, verify))
    findings.push_back(std::move(finding));
  const Json applied = SW_TRY(configuration_->Current());
  Json facts = Json::MakeObject({{"version", SW_VERSION},
                                 {"process", ::getpid()},
                                 {"data", data_->path()},
                                 {"now", base::FormatTime(clock_->Now())},
                                 {"configuration", applied.IntOr("version", 0)},
                                 {"has_keys", keyring_->HasKeys()},
                                 {"endpoints", Json::FromRange(endpoints_->Names())},
                                 {"memory", MemoryToJson(loads_->memory().Use())},
                                 {"verified", verify}});
  return Json::MakeObject({{"facts", std::move(facts)},
                           {"settings", settings_.ToJson()},
                           {"findings", FindingsToJson(findings)}});
}

}  // namespace sw::app
