#include "base/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sw::base {
namespace {

using CrcTables = std::array<std::array<std::uint32_t, 256>, 8>;

// Tables of slicing-by-8 (Kounavis and Berry 2005) for the reflected polynomial 0x82f63b78.
constexpr CrcTables MakeCrcTables() {
  CrcTables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0u);
    tables[0][byte] = crc;
  }
  for (std::size_t slice = 1; slice < 8; ++slice) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[slice - 1][byte];
      tables[slice][byte] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}
constexpr CrcTables kCrcTables = MakeCrcTables();

std::uint32_t CrcOfEight(const unsigned char* at, std::uint32_t crc) {
  const auto& t = kCrcTables;
  return t[7][(crc & 0xff) ^ at[0]] ^ t[6][((crc >> 8) & 0xff) ^ at[1]] ^
         t[5][((crc >> 16) & 0xff) ^ at[2]] ^ t[4][(crc >> 24) ^ at[3]] ^ t[3][at[4]] ^
         t[2][at[5]] ^ t[1][at[6]] ^ t[0][at[7]];
}

}  // namespace

std::uint32_t Crc32cByTables(std::string_view bytes, std::uint32_t crc) {
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t left = bytes.size();
  crc = ~crc;
  for (; left >= 8; at += 8, left -= 8) crc = CrcOfEight(at, crc);
  for (; left > 0; ++at, --left) crc = (crc >> 8) ^ kCrcTables[0][(crc ^ *at) & 0xff];
  return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t Crc32cByInstruction(std::string_view bytes, std::uint32_t crc) {
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t state = static_cast<std::uint32_t>(~crc);
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, at, sizeof(eight));
    state = _mm_crc32_u64(state, eight);
  }
  auto rest = static_cast<std::uint32_t>(state);
  for (; left > 0; ++at, --left) rest = _mm_crc32_u8(rest, static_cast<unsigned char>(*at));
  return ~rest;
}
#endif

}  // namespace sw::base
