#include "base/random.h"

#include <sys/random.h>

#include <bit>

#include "base/check.h"

namespace sw::base {
namespace {
__extension__ using Wide = unsigned __int128;
constexpr std::uint64_t kGoldenGamma = 0x9e3779b97f4a7c15;
}  // namespace

std::uint64_t MixU64(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

Random::Random(std::uint64_t seed) : state_{} {
  for (std::uint64_t& word : state_) word = MixU64(seed += kGoldenGamma);
}

Random Random::FromSystem() {
  Random random(0);
  // getrandom never gives less than asked for up to 256 bytes, once the pool is initialised.
  const ssize_t got = getrandom(random.state_.data(), sizeof(random.state_), 0);
  SW_CHECK(got == static_cast<ssize_t>(sizeof(random.state_)), "getrandom failed");
  random.state_[0] |= 1;  // xoshiro must not start from all zeros
  return random;
}

std::uint64_t Random::NextU64() {
  std::array<std::uint64_t, 4>& s = state_;
  const std::uint64_t result = std::rotl(s[0] + s[3], 23) + s[0];
  const std::uint64_t shifted = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= shifted;
  s[3] = std::rotl(s[3], 45);
  return result;
}

// Multiplies and rejects (Lemire 2019), which divides only in the rare rejecting case.
std::uint64_t Random::Below(std::uint64_t bound) {
  SW_CHECK(bound > 0, "Random::Below needs a positive bound");
  Wide product = static_cast<Wide>(NextU64()) * bound;
  if (static_cast<std::uint64_t>(product) < bound) {
    const std::uint64_t threshold = (0 - bound) % bound;
    while (static_cast<std::uint64_t>(product) < threshold) {
      product = static_cast<Wide>(NextU64()) * bound;
    }
  }
  return static_cast<std::uint64_t>(product >> 64);
}

double Random::NextDouble() { return static_cast<double>(NextU64() >> 11) * 0x1.0p-53; }

}  // namespace sw::base
