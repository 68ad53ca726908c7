// Whatever comes, decompression ends within its limit; what it makes comes back when it is compressed.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "net/compression.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto encoding = data[0] % 2 == 0 ? sw::net::Encoding::kGzip : sw::net::Encoding::kDeflate;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr std::size_t kMax = 1u << 20;
  const auto plain = sw::net::Decompress(encoding, bytes, kMax);
  if (!plain) return 0;
  SW_CHECK(plain->size() <= kMax, "more than the limit");
  const auto again = sw::net::Decompress(encoding, sw::net::Compress(encoding, *plain), kMax);
  SW_CHECK(again.has_value() && *again == *plain, "it does not come back");
  return 0;
}
