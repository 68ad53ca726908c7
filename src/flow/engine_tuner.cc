#include "flow/engine_tuner.h"

#include <utility>

#include "base/errors.h"

namespace sw::flow {
namespace {

constexpr store::Migration kMigrations[] = {
    {1,
     "CREATE TABLE flow_engine_choices ("
     "  package_id TEXT NOT NULL, cpu TEXT NOT NULL, choice TEXT NOT NULL, time BIGINT NOT NULL,"
     "  PRIMARY KEY (package_id, cpu))"}};

}  // namespace

Result<std::unique_ptr<EngineTuner>> EngineTuner::Open(Options options) {
  SW_TRY(options.catalog->Migrate("flow_engine_choices", kMigrations));
  return std::unique_ptr<EngineTuner>(new EngineTuner(std::move(options)));
}

EngineTuner::EngineTuner(Options options)
    : options_(std::move(options)),
      timed_(options_.counters->Get("flow_engines_timed_total", "Engines timed to find their fastest way.")),
      refused_(options_.counters->Get("flow_refused_total", "Work turned away.", {{"limit", "engines_waiting_max"}})) {}

EngineTuner::~EngineTuner() {
  std::unique_lock lock(mutex_);
  waiting_.clear();
  idle_.wait(lock, [this] { return !is_running_; });
}

Result<std::optional<EngineTuner::Stored>> EngineTuner::Find(const std::string& package_id) const {
  std::optional<Stored> stored;
  SW_TRY(options_.catalog->Read([&](store::CatalogReader& reader) -> Status {
    const auto rows = SW_TRY(reader.Query("SELECT choice, time FROM flow_engine_choices WHERE package_id = ? AND cpu = ?",
                                          {package_id, options_.cpu}));
    if (!rows.empty()) stored = Stored{.choice = SW_TRY(Json::Parse(rows[0].Text(0))), .time = rows[0].Int(1)};
    return Ok();
  }));
  return stored;
}

Status EngineTuner::Store(const std::string& package_id, const Json& choice) const {
  return options_.catalog->Write([&](store::CatalogTransaction& tx) -> Status {
    SW_TRY(tx.Execute("INSERT INTO flow_engine_choices (package_id, cpu, choice, time) VALUES (?, ?, ?, ?)"
                      " ON CONFLICT (package_id, cpu) DO UPDATE SET choice = excluded.choice, time = excluded.time",
                      {package_id, options_.cpu, choice.Dump(), options_.clock->Now()}));
    return Ok();
  });
}

void EngineTuner::TakeOver(const model::Package& package) const {
  if (package.engine().tuning() != model::Tuning::kDefaultRule) return;
  const auto stored = Find(package.id());
  if (!stored) {
    options_.log->Warning("an engine's choice could not be read", {{"package", package.id()}, {"error", stored.error().message}});
  } else if (stored->has_value()) {
    const Status taken = package.engine().Choose((*stored)->choice);
    if (!taken) options_.log->Info("an engine's choice is of another build", {{"package", package.id()}, {"reason", taken.error().message}});
  }
}

void EngineTuner::TuneLater(const std::shared_ptr<const model::Package>& package) {
  if (package->engine().tuning() != model::Tuning::kDefaultRule) return;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= kWaitingMax) return refused_.Add();
    waiting_.push_back(package);
    if (is_running_) return;
    is_running_ = true;
  }
  SubmitNext();
}

// One task an engine: what else the executor has to do takes its turns between them.
void EngineTuner::SubmitNext() {
  if (options_.executor->Submit([this] { RunNext(); })) return;
  const std::lock_guard lock(mutex_);  // those that wait go on with the next TuneLater
  is_running_ = false;
  idle_.notify_all();
}

void EngineTuner::RunNext() {
  if (const auto package = TakeNext()) Tune(*package);
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) {
      is_running_ = false;
      return idle_.notify_all();
    }
  }
  SubmitNext();
}

std::shared_ptr<const model::Package> EngineTuner::TakeNext() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) return nullptr;
  std::shared_ptr<const model::Package> next = waiting_.front().lock();
  waiting_.pop_front();
  return next;
}

void EngineTuner::Tune(const model::Package& package) const {
  TakeOver(package);  // the same package may have been timed for another endpoint
  if (package.engine().tuning() != model::Tuning::kDefaultRule) return;
  const Json choice = package.engine().Tune();
  timed_.Add();
  options_.log->Info("an engine was timed", {{"package", package.id()}, {"choice", choice.Dump()}});
  if (const Status stored = Store(package.id(), choice); !stored) {
    options_.log->Warning("an engine's choice could not be kept", {{"package", package.id()}, {"error", stored.error().message}});
  }
}

Result<Json> EngineTuner::Describe(const model::Package& package) const {
  const model::Engine& engine = package.engine();
  const model::Tuning tuning = engine.tuning();
  Json description = engine.Describe();
  description.Set("chosen", model::TuningName(tuning));
  if (tuning == model::Tuning::kTimed || tuning == model::Tuning::kCached) {
    const auto stored = SW_TRY(Find(package.id()));
    if (stored) description.Set("timed", base::FormatTime(stored->time));
    description.Set("cpu", options_.cpu);
  }
  description.Set("exactness", model::ExactnessName(engine.exactness()));
  description.Set("verified", package.is_verified());
  if (!package.is_verified()) description.Set("unverified", package.unverified());
  description.Set("outputs", package.outputs());
  if (!package.output_names().empty()) description.Set("output_names", Json::FromRange(package.output_names()));
  description.Set("golden_rows", package.golden_rows());
  description.Set("golden_from", package.content().golden.from);
  return description;
}

}  // namespace sw::flow
