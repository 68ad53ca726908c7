// UUIDv7 (RFC 9562): the ids of requests, runs and incidents; they sort by time.
//
// Thread-safe. A generator takes its clock and randomness, so that a test's ids repeat.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"

namespace sw::base {

class IdGenerator {
 public:
  IdGenerator(const Clock& clock, Random random) : clock_(clock), random_(random) {}
  std::string NewUuid();  // 36 characters; strictly increasing from one generator

 private:
  const Clock& clock_;
  std::mutex mutex_;
  Random random_;
  std::uint64_t last_ms_ = 0;
  std::uint64_t counter_ = 0;
};

bool IsUuid(std::string_view text);
// Names of things that users choose: 1 to 128 of [A-Za-z0-9_.-], not starting with '.' or '-'.
bool IsName(std::string_view text);

}  // namespace sw::base
