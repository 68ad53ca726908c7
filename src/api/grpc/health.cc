#include "api/grpc/health.h"

#include <proto/health.pb.h>

#include <algorithm>

#include "api/grpc/stream.h"
#include "base/errors.h"

namespace sw::grpc {

using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;

namespace {

using WatchStream = Stream<HealthCheckRequest, HealthCheckResponse>;

HealthCheckResponse::ServingStatus StatusOf(bool serving) {
  return serving ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
}

// One message after the other: a change that comes while one is being written is told after it.
class Watcher : public std::enable_shared_from_this<Watcher> {
 public:
  explicit Watcher(std::shared_ptr<WatchStream> stream) : stream_(std::move(stream)) {}

  bool Tell(HealthCheckResponse::ServingStatus status) {
    if (stream_->Cancelled()) return false;
    {
      std::lock_guard lock(mutex_);
      waiting_ = status;
      has_waiting_ = true;
      if (std::exchange(is_writing_, true)) return true;
    }
    WriteNext();
    return true;
  }

 private:
  void WriteNext() {
    HealthCheckResponse response;
    {
      std::lock_guard lock(mutex_);
      if (!std::exchange(has_waiting_, false)) {
        is_writing_ = false;
        return;
      }
      response.set_status(waiting_);
    }
    stream_->Write(response, [self = shared_from_this()] { self->WriteNext(); });
  }

  const std::shared_ptr<WatchStream> stream_;
  std::mutex mutex_;
  HealthCheckResponse::ServingStatus waiting_ = HealthCheckResponse::UNKNOWN;  // guarded by mutex_
  bool has_waiting_ = false;                                                   // guarded by mutex_
  bool is_writing_ = false;                                                    // guarded by mutex_
};

}  // namespace

Health::Health(std::vector<std::string> services) : services_(std::move(services)) {}
Health::~Health() = default;

bool Health::IsServing() const {
  std::lock_guard lock(mutex_);
  return serving_;
}

bool Health::Knows(const std::string& service) const {
  return service.empty() || std::ranges::find(services_, service) != services_.end();
}

void Health::SetServing(bool serving) {
  std::lock_guard lock(mutex_);
  if (serving_ == serving) return;
  serving_ = serving;
  std::erase_if(watchers_, [&](const auto& watcher) { return !watcher(serving); });
}

void Health::Watch(std::function<bool(bool)> watcher) {
  std::lock_guard lock(mutex_);
  std::erase_if(watchers_, [&](const auto& each) { return !each(serving_); });  // those that have gone
  if (watcher(serving_)) watchers_.push_back(std::move(watcher));
}

std::vector<net::Route> HealthRoutes(const base::Clock& clock, std::shared_ptr<Health> health) {
  std::vector<net::Route> routes;
  routes.push_back(Unary<HealthCheckRequest, HealthCheckResponse>(
      clock, "/grpc.health.v1.Health/Check", "",
      [health](const Call&, const HealthCheckRequest& request, HealthCheckResponse& response) -> Status {
        if (!health->Knows(request.service())) return NotFound("no service {}", request.service());
        response.set_status(StatusOf(health->IsServing()));
        return Ok();
      }));
  routes.push_back(Streaming<HealthCheckRequest, HealthCheckResponse>(
      clock, "/grpc.health.v1.Health/Watch", "", [health](const std::shared_ptr<WatchStream>& stream) {
        stream->Read([health, stream](Result<const HealthCheckRequest*> request) {
          if (!request) return stream->Finish(std::unexpected(request.error()));
          if (*request == nullptr) return stream->Finish(InvalidArgument("Watch needs one message"));
          auto watcher = std::make_shared<Watcher>(stream);
          if (!health->Knows((*request)->service())) {
            watcher->Tell(HealthCheckResponse::SERVICE_UNKNOWN);
            stream->OnCancel([watcher] {});  // the stream stays open, as the protocol wants it
            return;
          }
          health->Watch([watcher](bool serving) { return watcher->Tell(StatusOf(serving)); });
        });
      }));
  return routes;
}

}  // namespace sw::grpc
