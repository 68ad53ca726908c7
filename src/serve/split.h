// Sticky splits: a unit (a user, an aircraft) always goes to the same arm while the shares stay, and
// a share that grows only adds units.
//
//   const std::uint64_t seed = SplitSeed("late", rollout_salt);
//   const Arm* arm = PickArm(snapshot, SplitPoint("N14228", seed));
//
// Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "serve/endpoint.h"

namespace sw::serve {

// Two endpoints, or two rollouts of one endpoint, split independently.
std::uint64_t SplitSeed(std::string_view endpoint, std::string_view rollout_salt);
// Uniform in [0, 1).
double SplitPoint(std::string_view unit, std::uint64_t seed);
// The canary whose stretch of [0, 1) holds the point, in the order of the arms; else the live arm.
// Requires a checked snapshot.
const Arm* PickArm(const EndpointSnapshot& snapshot, double point);

}  // namespace sw::serve
