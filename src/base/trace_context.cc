#include "base/trace_context.h"

#include <algorithm>
#include <span>
#include <vector>

#include "base/text.h"

namespace sw::base {
namespace {

constexpr std::size_t kLength = 55;  // "00-" trace "-" span "-" flags
constexpr std::size_t kFlagsAt = 53;
constexpr std::size_t kStateMembersMax = 32;
constexpr std::size_t kStateBytesMax = 512;

// Upper case is not allowed.
int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool ReadHex(std::string_view text, std::span<std::uint8_t> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = HexDigit(text[2 * i]), low = HexDigit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<std::uint8_t>(16 * high + low);
  }
  return true;
}

void WriteHex(std::string& out, std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const std::uint8_t byte : bytes) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
}

bool IsZero(std::span<const std::uint8_t> bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// "vendor", or "tenant@vendor".
bool IsStateKey(std::string_view key) {
  const auto is_fine = [](char c) { return IsLower(c) || IsDigit(c) || c == '_' || c == '-' || c == '*' || c == '/'; };
  const std::size_t at = key.find('@');
  const std::string_view vendor = at == key.npos ? key : key.substr(at + 1);
  if (vendor.empty() || !IsLower(vendor[0]) || !std::ranges::all_of(vendor, is_fine)) return false;
  if (at == key.npos) return key.size() <= 256;
  const std::string_view tenant = key.substr(0, at);
  return !tenant.empty() && tenant.size() <= 241 && vendor.size() <= 14 && (IsLower(tenant[0]) || IsDigit(tenant[0])) &&
         std::ranges::all_of(tenant, is_fine);
}

bool IsStateValue(std::string_view value) {
  return !value.empty() && value.size() <= 256 && value.back() != ' ' &&
         std::ranges::all_of(value, [](char c) { return c >= ' ' && c <= '~' && c != ',' && c != '='; });
}

}  // namespace

// A later version may say more after a '-'; what this one says stands first.
std::optional<TraceContext> ParseTraceparent(std::string_view header) {
  if (header.size() < kLength || header[2] != '-' || header[35] != '-' || header[52] != '-') return std::nullopt;
  std::array<std::uint8_t, 1> version = {}, flags = {};
  TraceContext context;
  if (!ReadHex(header, version) || !ReadHex(header.substr(3), context.trace) || !ReadHex(header.substr(36), context.span) ||
      !ReadHex(header.substr(kFlagsAt), flags)) {
    return std::nullopt;
  }
  if (version[0] == 0xff || (version[0] == 0 && header.size() != kLength)) return std::nullopt;
  if (header.size() > kLength && header[kLength] != '-') return std::nullopt;
  if (IsZero(context.trace) || IsZero(context.span)) return std::nullopt;
  context.flags = flags[0] & (TraceContext::kSampled | TraceContext::kRandom);
  return context;
}

std::string FormatTraceparent(const TraceContext& context) {
  std::string out = "00-";
  out.reserve(kLength);
  WriteHex(out, context.trace);
  out.push_back('-');
  WriteHex(out, context.span);
  out.push_back('-');
  WriteHex(out, {&context.flags, 1});
  return out;
}

bool IsSampledTraceparent(std::string_view traceparent) {
  return traceparent.size() == kLength && (HexDigit(traceparent.back()) & TraceContext::kSampled) != 0;
}

std::string CleanTracestate(std::string_view header) {
  std::string out;
  std::vector<std::string_view> keys;
  while (!header.empty()) {
    const std::string_view member = Trimmed(header.substr(0, header.find(',')));
    header.remove_prefix(std::min(header.size(), header.find(',') == header.npos ? header.size() : header.find(',') + 1));
    if (member.empty()) continue;
    const std::size_t equals = member.find('=');
    if (equals == member.npos) return {};
    const std::string_view key = member.substr(0, equals);
    if (!IsStateKey(key) || !IsStateValue(member.substr(equals + 1)) || std::ranges::find(keys, key) != keys.end()) return {};
    keys.push_back(key);
    if (keys.size() > kStateMembersMax || out.size() + member.size() + 1 > kStateBytesMax + (out.empty() ? 1 : 0)) return {};
    out.append(out.empty() ? "" : ",").append(member);
  }
  return out;
}

}  // namespace sw::base
