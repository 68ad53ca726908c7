#include "base/ids.h"

#include <algorithm>
#include <cctype>

namespace sw::base {
namespace {

constexpr std::uint64_t kCounterMax = 0xfff;     // rand_a's 12 bits
constexpr std::uint64_t kCounterStartMax = 0x800;  // leaves half of them to count up in

char* WriteHex(char* to, std::uint64_t value, int digits) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) *to++ = kDigits[(value >> shift) & 15];
  return to;
}

bool IsAlphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

// Counts in rand_a within one millisecond (RFC 9562, section 6.2, method 1), and borrows from the
// next millisecond when the counter is used up or the clock steps back.
std::string IdGenerator::NewUuid() {
  const std::lock_guard lock(mutex_);
  const auto now_ms = static_cast<std::uint64_t>(std::max<TimeUs>(clock_.Now(), 0) / kMillisecondUs);
  if (now_ms > last_ms_) {
    last_ms_ = now_ms;
    counter_ = random_.Below(kCounterStartMax);
  } else if (counter_ < kCounterMax) {
    ++counter_;
  } else {
    ++last_ms_;
    counter_ = random_.Below(kCounterStartMax);
  }
  const std::uint64_t tail = random_.NextU64();
  std::string id(36, '-');
  char* to = WriteHex(id.data(), last_ms_ >> 16, 8) + 1;
  to = WriteHex(to, last_ms_ & 0xffff, 4) + 1;
  to = WriteHex(to, 0x7000 | counter_, 4) + 1;
  to = WriteHex(to, 0x8000 | (tail >> 50), 4) + 1;
  WriteHex(to, tail & 0xffffffffffff, 12);
  return id;
}

bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool fits = dash ? text[i] == '-' : std::isxdigit(static_cast<unsigned char>(text[i])) != 0;
    if (!fits) return false;
  }
  return true;
}

bool IsName(std::string_view text) {
  if (text.empty() || text.size() > 128 || text[0] == '.' || text[0] == '-') return false;
  return std::ranges::all_of(text, [](char c) {
    return IsAlphanumeric(c) || c == '_' || c == '.' || c == '-';
  });
}

}  // namespace sw::base
