// Content hashes (SHA-256, what blobs, packages and definitions are named by) and a fast keyed
// 64-bit hash (XXH3) for splits and tables. Immutable; Sha256 has one owner.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sw::base {

// Incremental SHA-256.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void Update(std::string_view bytes);
  std::string FinishHex();  // 64 lower-case hex digits; once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string Sha256Hex(std::string_view bytes);
std::uint64_t Hash64(std::string_view bytes, std::uint64_t seed = 0);
std::string HexEncode(std::string_view bytes);
// CRC-32C (Castagnoli), for frames on disk.
std::uint32_t Crc32c(std::string_view bytes, std::uint32_t crc = 0);

}  // namespace sw::base
