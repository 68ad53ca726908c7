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

Status Engine::Contribute(const data::Batch&, std::span<double>) const {
  return Unimplemented("this kind of model has no exact contributions; tree models have");
}

Json Engine::Describe() const { return Json::MakeObject({{"engine", "plain"}, {"why", "the only one for this model"}}); }

std::uint64_t UlpDistance(double a, double b) {
  if (std::isnan(a) && std::isnan(b)) return 0;
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<std::uint64_t>::max();
  // Map the bits to a line on which neighbours differ by one; -0 and +0 coincide.
  const auto line = [](double x) {
    const auto bits = std::bit_cast<std::uint64_t>(x);
    constexpr std::uint64_t kSign = 1ull << 63;
    return bits & kSign ? kSign - (bits ^ kSign) : kSign + bits;
  };
  const std::uint64_t x = line(a);
  const std::uint64_t y = line(b);
  return x > y ? x - y : y - x;
}

}  // namespace sw::model
