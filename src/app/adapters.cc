#include "app/adapters.h"

#include "api/native/rows.h"
#include "base/errors.h"

namespace sw::app {

void StoreFeatures::Read(const serve::FeatureRead& read, serve::FeaturesCallback done) {
  store_.ReadOnline(read.service, read.rows, read.time, [done = std::move(done)](Result<feature::FeatureRead> answer) mutable {
    if (!answer) return done(std::unexpected(std::move(answer).error()));
    done(serve::ReadFeatures{std::move(answer->features), std::move(answer->read)});
  });
}

Status LogbookPredictions::Append(const std::string& stream, std::int64_t sequence,
                                  const serve::LoggedRows& rows) {
  {
    const std::lock_guard lock(mutex_);
    if (!declared_.contains(stream)) {
      store::StreamSpec spec;
      spec.name = stream;
      SW_TRY(logbook_.Declare(spec));
      declared_.insert(stream);
    }
  }
  store::AppendRequest request{
      stream, 0, producer_, sequence, {rows.event_time, rows.id, rows.columns}};
  SW_TRY(logbook_.Append(std::move(request), store::Durability::kBuffered));
  return Ok();
}

Status LogbookPredictions::Sync() { return logbook_.Sync(); }

Status EndpointServing::Publish(const flow::EndpointPlan& plan) {
  const flow::EndpointDef& definition = plan.definition;
  serve::EndpointSnapshot base;
  base.name = definition.name;
  base.service = definition.service;
  base.unit_column = definition.unit;
  base.rollout_salt = plan.salt;
  base.is_logged = definition.log;
  base.is_durable = definition.durable;
  base.cache_rows = static_cast<std::size_t>(definition.cache_rows);
  base.queue = {.concurrency_max = static_cast<std::size_t>(definition.concurrency_max),
                .queue_max = static_cast<std::size_t>(definition.queue_max), .max_delay_us = definition.max_delay};
  if (!definition.service.empty()) {
    base.request = SW_TRY(native::RequestSchema(*features_.definitions(), definition.service));
  }
  std::vector<serve::ArmSpec> arms;
  for (const flow::ArmPlan& arm : plan.arms) {
    serve::ArmSpec spec;
    spec.version = arm.version;
    spec.package_id = arm.package_id;
    spec.mode = SW_TRY(serve::ParseArmMode(arm.mode));
    spec.share = arm.share;
    spec.threshold = arm.threshold;
    arms.push_back(std::move(spec));
  }
  SW_TRY(endpoints_.Apply(std::move(base), arms, packages_));
  const auto published = endpoints_.Find(definition.name);
  if (published == nullptr) return Ok();  // removed meanwhile
  for (const serve::Arm& arm : published->arms) tuner_.TuneLater(arm.package);
  return Ok();
}

Status EndpointServing::Remove(const std::string& endpoint) {
  const bool is_known = endpoints_.Find(endpoint) != nullptr || endpoints_.Explained(endpoint);
  return is_known ? endpoints_.Remove(endpoint) : Ok();
}

Status EndpointServing::FlushLogs() { return endpoints_.Flush(); }

std::shared_ptr<const model::Package> EndpointServing::Served(const std::string& package_id) const {
  for (const std::string& name : endpoints_.Names()) {
    const auto endpoint = endpoints_.Find(name);
    if (endpoint == nullptr) continue;  // removed meanwhile
    for (const serve::Arm& arm : endpoint->arms) {
      if (arm.package->id() == package_id) return arm.package;
    }
  }
  return nullptr;
}

}  // namespace sw::app
