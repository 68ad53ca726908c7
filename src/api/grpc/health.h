// Health: gRPC's health checking, Check and Watch.
//
//   auto health = std::make_shared<Health>(clock, {"inference.GRPCInferenceService"});
//   std::ranges::move(HealthRoutes(health), std::back_inserter(routes));
//   health->SetServing(false);                  // before a drain: who watches is told
//
// Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "net/router.h"

namespace sw::grpc {

class Health {
 public:
  // `services` beside "", the server's own.
  explicit Health(std::vector<std::string> services);
  ~Health();

  void SetServing(bool serving);
  bool IsServing() const;
  bool Knows(const std::string& service) const;

  // Called at once, and at each change until it answers false.
  void Watch(std::function<bool(bool serving)> watcher);

 private:
  const std::vector<std::string> services_;
  mutable std::mutex mutex_;
  bool serving_ = true;                                  // guarded by mutex_
  std::vector<std::function<bool(bool)>> watchers_;      // guarded by mutex_
};

std::vector<net::Route> HealthRoutes(const base::Clock& clock, std::shared_ptr<Health> health);

}  // namespace sw::grpc
