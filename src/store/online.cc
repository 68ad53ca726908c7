#include "store/online.h"

#include <future>

namespace sw::store {

// The promise lives in the callback: an engine may still be inside its call when the value arrives.

Result<OnlineStore::Values> OnlineStore::GetNow(std::span<const std::string> keys) {
  std::promise<Result<Values>> promise;
  std::future<Result<Values>> answer = promise.get_future();
  MultiGet(keys, [promise = std::move(promise)](Result<Values> values) mutable {
    promise.set_value(std::move(values));
  });
  return answer.get();
}

Status OnlineStore::PutNow(std::vector<OnlineWrite> writes) {
  std::promise<Status> promise;
  std::future<Status> answer = promise.get_future();
  MultiPut(std::move(writes), [promise = std::move(promise)](Status status) mutable {
    promise.set_value(std::move(status));
  });
  return answer.get();
}

}  // namespace sw::store
