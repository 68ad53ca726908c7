#include "store/online_keys.h"

#include <cstdint>

#include "base/hash.h"

namespace sw::store {
namespace {

constexpr std::size_t kLengthBytes = 4;

std::uint8_t FromHexDigit(char digit) {
  return static_cast<std::uint8_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

}  // namespace

std::string PhysicalKey(std::string_view key) {
  if (key.size() <= kOnlineKeyPlainMax) return std::string(key);
  std::string physical(key.substr(0, kOnlineKeyPlainMax));
  const std::string hex = base::Sha256Hex(key);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    physical.push_back(static_cast<char>(FromHexDigit(hex[i]) << 4 | FromHexDigit(hex[i + 1])));
  }
  return physical;
}

std::string EncodeOnlineRecord(std::string_view key, std::string_view value) {
  if (key.size() <= kOnlineKeyPlainMax) return std::string(value);
  std::string record;
  record.reserve(kLengthBytes + key.size() + value.size());
  for (std::size_t i = 0; i < kLengthBytes; ++i) record.push_back(static_cast<char>(key.size() >> (8 * i) & 0xff));
  record += key;
  record += value;
  return record;
}

std::optional<OnlineRecord> DecodeOnlineRecord(std::string_view physical_key, std::string_view record) {
  if (physical_key.size() != kOnlineKeyHashedBytes) return OnlineRecord{physical_key, record};
  if (record.size() < kLengthBytes) return std::nullopt;
  std::size_t key_bytes = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    key_bytes |= static_cast<std::size_t>(static_cast<std::uint8_t>(record[i])) << (8 * i);
  }
  if (record.size() - kLengthBytes < key_bytes) return std::nullopt;
  return OnlineRecord{record.substr(kLengthBytes, key_bytes), record.substr(kLengthBytes + key_bytes)};
}

}  // namespace sw::store
