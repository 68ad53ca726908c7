#include "model/engine.h"

#include <bit>
#include <cmath>
#include <limits>

#include "base/errors.h"

namespace sw::model {

std::string_view ExactnessName(Exactness exactness) {
  switch (exactness) {
    case Exactness::kExact: return "exact";
    case Exactness::kBounded: return "bounded";
    case Exactness::kEngine: return "engine";
  }
  return "engine";
}

std::string_view TuningName(Tuning tuning) {
  switch (tuning) {
    case Tuning::kOnlyWay: return "only way";
    case Tuning::kDefaultRule: return "default rule";
    case Tuning::kTimed: return "timed";
    case Tuning::kCached: return "cached";
  }
  return "only way";
}

Tolerance Engine::tolerance() const {
  switch (exactness()) {
    case Exactness::kExact: return {};
    case Exactness::kBounded: return {.raw_ulps = 2, .prediction_ulps = 2};
    case Exactness::kEngine: return {.raw_ulps = 0, .prediction_ulps = 0, .relative = 2e-5};
  }
  return {};
}

std::vector<InputProbe> Engine::Probes() const { return std::vector<InputProbe>(inputs().size()); }

Status Engine::Contribute(const data::Batch&, std::span<double>) const {
  return Unimplemented("this kind of model has no exact contributions; tree models have");
}

Json Engine::Describe() const { return Json::MakeObject({{"engine", "plain"}, {"why", "the only one for this model"}}); }

namespace {

// Maps bits to a line on which neighbours differ by one; -0 and +0 coincide. Not for NaN.
template <typename Bits, typename Number>
std::uint64_t Distance(Number a, Number b) {
  const auto line = [](Number x) {
    const auto bits = std::bit_cast<Bits>(x);
    constexpr Bits kSign = Bits{1} << (sizeof(Bits) * 8 - 1);
    return bits & kSign ? kSign - (bits ^ kSign) : kSign + bits;
  };
  const Bits x = line(a);
  const Bits y = line(b);
  return x > y ? x - y : y - x;
}

}  // namespace

std::uint64_t UlpDistance(double a, double b) {
  if (std::isnan(a) && std::isnan(b)) return 0;
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<std::uint64_t>::max();
  return Distance<std::uint64_t>(a, b);
}

std::uint64_t FloatUlpDistance(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return UlpDistance(a, b);
  return Distance<std::uint32_t>(static_cast<float>(a), static_cast<float>(b));
}

}  // namespace sw::model
