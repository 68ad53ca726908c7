#include "model/city_hash.h"

#include <bit>
#include <cstring>
#include <utility>

namespace sw::model {
namespace {

using Pair = std::pair<std::uint64_t, std::uint64_t>;

constexpr std::uint64_t kK0 = 0xc3a5c85c97cb3127, kK1 = 0xb492b66fbe98f273;
constexpr std::uint64_t kK2 = 0x9ae16a3b2f90404f, kK3 = 0xc949d7c7509e6557;

template <typename Word>
Word Load(const char* from) {
  Word word;
  std::memcpy(&word, from, sizeof(Word));
  return word;
}

std::uint64_t Load64(const char* from) { return Load<std::uint64_t>(from); }

std::uint64_t ShiftMix(std::uint64_t value) { return value ^ (value >> 47); }

// Hash128to64.
std::uint64_t Mix(std::uint64_t low, std::uint64_t high) {
  constexpr std::uint64_t kFactor = 0x9ddfea08eb382d69;
  std::uint64_t a = (low ^ high) * kFactor;
  a ^= a >> 47;
  std::uint64_t b = (high ^ a) * kFactor;
  b ^= b >> 47;
  return b * kFactor;
}

std::uint64_t HashTo16(const char* s, std::size_t length) {
  if (length > 8) {
    const std::uint64_t a = Load64(s), b = Load64(s + length - 8);
    return Mix(a, std::rotr(b + length, static_cast<int>(length))) ^ b;
  }
  if (length >= 4) {
    const std::uint64_t a = Load<std::uint32_t>(s);
    return Mix(length + (a << 3), Load<std::uint32_t>(s + length - 4));
  }
  if (length == 0) return kK2;
  const auto at = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(s[i])); };
  const std::uint32_t y = at(0) + (at(length >> 1) << 8);
  const std::uint32_t z = static_cast<std::uint32_t>(length) + (at(length - 1) << 2);
  return ShiftMix(y * kK2 ^ z * kK3) * kK2;
}

std::uint64_t HashTo32(const char* s, std::size_t length) {
  const std::uint64_t a = Load64(s) * kK1, b = Load64(s + 8);
  const std::uint64_t c = Load64(s + length - 8) * kK2, d = Load64(s + length - 16) * kK0;
  return Mix(std::rotr(a - b, 43) + std::rotr(c, 30) + d, a + std::rotr(b ^ kK3, 20) - c + length);
}

// Of the 32 bytes from `s`, and two seeds.
Pair Weak32(const char* s, std::uint64_t a, std::uint64_t b) {
  const std::uint64_t w = Load64(s), x = Load64(s + 8), y = Load64(s + 16), z = Load64(s + 24);
  a += w;
  b = std::rotr(b + a + z, 21);
  const std::uint64_t c = a;
  a += x;
  a += y;
  b += std::rotr(a, 44);
  return {a + z, b + c};
}

// One half of HashTo64: `first` and the words after it, mixed with the word z.
Pair Half(std::uint64_t a, std::uint64_t second, std::uint64_t third, std::uint64_t z) {
  const std::uint64_t b = std::rotr(a + z, 52);
  std::uint64_t c = std::rotr(a, 37);
  a += second;
  c += std::rotr(a, 7);
  a += third;
  return {a + z, b + std::rotr(a, 31) + c};
}

std::uint64_t HashTo64(const char* s, std::size_t length) {
  const char* end = s + length;
  const Pair v = Half(Load64(s) + (length + Load64(end - 16)) * kK0, Load64(s + 8), Load64(s + 16), Load64(s + 24));
  const Pair w = Half(Load64(s + 16) + Load64(end - 32), Load64(end - 24), Load64(end - 16), Load64(end - 8));
  const std::uint64_t r = ShiftMix((v.first + w.second) * kK2 + (w.first + v.second) * kK0);
  return ShiftMix(r * kK0 + v.second) * kK2;
}

std::uint64_t HashLong(const char* s, std::size_t length) {
  const char* end = s + length;
  std::uint64_t x = Load64(s), y = Load64(end - 16) ^ kK1, z = Load64(end - 56) ^ kK0;
  Pair v = Weak32(end - 64, length, y), w = Weak32(end - 32, length * kK1, kK0);
  z += ShiftMix(v.second) * kK1;
  x = std::rotr(z + x, 39) * kK1;
  y = std::rotr(y, 33) * kK1;
  for (std::size_t left = (length - 1) & ~std::size_t{63}; left != 0; left -= 64, s += 64) {
    x = std::rotr(x + y + v.first + Load64(s + 16), 37) * kK1;
    y = std::rotr(y + v.second + Load64(s + 48), 42) * kK1;
    x ^= w.second;
    y ^= v.first;
    z = std::rotr(z ^ w.first, 33);
    v = Weak32(s, v.second * kK1, x + w.first);
    w = Weak32(s + 32, z + w.second, y);
    std::swap(z, x);
  }
  return Mix(Mix(v.first, w.first) + ShiftMix(y) * kK1 + z, Mix(v.second, w.second) + x);
}

}  // namespace

std::uint64_t CityHash64(std::string_view text) {
  if (text.size() <= 16) return HashTo16(text.data(), text.size());
  if (text.size() <= 32) return HashTo32(text.data(), text.size());
  return text.size() <= 64 ? HashTo64(text.data(), text.size()) : HashLong(text.data(), text.size());
}

}  // namespace sw::model
