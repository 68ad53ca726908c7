// Randomness is passed in: a Random is seeded by whoever constructs it.
//
// xoshiro256++ (Blackman and Vigna 2019) seeded through splitmix64. The same seed gives the same
// sequence on every machine. One owner; make one a thread.
#pragma once

#include <array>
#include <cstdint>

namespace sw::base {

class Random {
 public:
  explicit Random(std::uint64_t seed);
  static Random FromSystem();  // seeded by getrandom(2)

  std::uint64_t NextU64();
  std::uint64_t Below(std::uint64_t bound);  // uniform in [0, bound), bound > 0, without bias
  double NextDouble();                       // uniform in [0, 1), 53 bits

 private:
  std::array<std::uint64_t, 4> state_;
};

// A stateless 64-bit mix (splitmix64's finaliser) for sticky splits and samples.
std::uint64_t MixU64(std::uint64_t value);

}  // namespace sw::base
