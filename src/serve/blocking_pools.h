// BlockingPools: threads of an endpoint's own, where a package may wait for another process. One
// that hangs delays its own endpoint's requests, and no loop and no other endpoint.
//
// The pools live until the end, because a request in flight may still submit to one; an endpoint that
// comes later gets one that was released. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/executor.h"

namespace sw::serve {

class BlockingPools {
 public:
  static constexpr std::size_t kPoolsMax = 64;  // endpoints beyond share
  using Make = std::function<std::unique_ptr<base::Executor>()>;

  explicit BlockingPools(Make make) : make_(std::move(make)) {}

  base::Executor* For(const std::string& endpoint);  // nullptr without `make`
  void Release(std::string_view endpoint);

 private:
  const Make make_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<base::Executor>> pools_;
  std::vector<std::size_t> free_;
  std::map<std::string, std::size_t, std::less<>> of_;
};

}  // namespace sw::serve
