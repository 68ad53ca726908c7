#include "serve/split.h"

#include <string>

#include "base/hash.h"

namespace sw::serve {

std::uint64_t SplitSeed(std::string_view endpoint, std::string_view rollout_salt) {
  std::string key(endpoint);
  key += '\n';  // no name holds one, so that "a" + "bc" is not "ab" + "c"
  key += rollout_salt;
  return base::Hash64(key);
}

double SplitPoint(std::string_view unit, std::uint64_t seed) {
  constexpr double kTwoToMinus53 = 0x1p-53;
  return static_cast<double>(base::Hash64(unit, seed) >> 11) * kTwoToMinus53;
}

const Arm* PickArm(const EndpointSnapshot& snapshot, double point) {
  double end = 0;
  const Arm* live = nullptr;
  for (const Arm& arm : snapshot.arms) {
    if (arm.mode == ArmMode::kLive) live = &arm;
    if (arm.mode != ArmMode::kCanary) continue;
    end += arm.share;
    if (point < end) return &arm;
  }
  return live;
}

}  // namespace sw::serve
