#include "base/json_cursor.h"

#include <charconv>
#include <cstring>

namespace sw::base {
namespace {

constexpr std::size_t kKeysMax = 16;  // of an object; beyond, looking for a repeated one would be slow
constexpr std::ptrdiff_t kIntDigitsMax = 18;
constexpr std::ptrdiff_t kExactDigitsMax = 15;  // any number of so many digits is a double

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

const char* SkipDigits(const char* at, const char* end) {
  while (at != end && IsDigit(*at)) ++at;
  return at;
}

// A number of JSON's grammar, taken apart.
struct NumberParts {
  const char* end = nullptr;  // nullptr: there is none
  bool is_int = true;         // without fraction and exponent
  bool is_negative = false;
  bool has_exponent = false;
  std::uint64_t digits = 0;   // of both sides of the point; wraps when there are more than kExactDigitsMax
  std::ptrdiff_t count = 0;   // of digits, leading zeros too
  std::ptrdiff_t decimals = 0;
};

const char* TakeDigits(const char* at, const char* end, std::uint64_t* value) {
  for (; at != end && IsDigit(*at); ++at) *value = *value * 10 + static_cast<std::uint64_t>(*at - '0');
  return at;
}

NumberParts ReadNumber(const char* at, const char* end) {
  NumberParts parts;
  if (at != end && *at == '-') parts.is_negative = true, ++at;
  if (at == end || !IsDigit(*at)) return parts;
  const char* whole = at;
  at = *at == '0' ? at + 1 : TakeDigits(at, end, &parts.digits);
  parts.count = at - whole;
  if (at != end && *at == '.') {
    parts.is_int = false;
    const char* decimals = ++at;
    at = TakeDigits(at, end, &parts.digits);
    parts.decimals = at - decimals;
    parts.count += parts.decimals;
    if (parts.decimals == 0) return parts;
  }
  if (at != end && (*at == 'e' || *at == 'E')) {
    parts.is_int = false;
    parts.has_exponent = true;
    ++at;
    if (at != end && (*at == '+' || *at == '-')) ++at;
    const char* digits = at;
    at = SkipDigits(at, end);
    if (at == digits) return parts;
  }
  parts.end = at;
  return parts;
}

// The double nearest to what is written, where digits and power of ten are doubles themselves, so that one
// division rounds once (Clinger, 1990).
std::optional<double> ExactQuotient(const NumberParts& parts) {
  constexpr double kPowers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  if (parts.has_exponent || parts.count > kExactDigitsMax) return std::nullopt;
  const double value = static_cast<double>(parts.digits) / kPowers[parts.decimals];
  return parts.is_negative ? -value : value;
}

char Unescaped(char c) {
  switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '/': return '/';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return 0;
  }
}

class KnownJson {
 public:
  KnownJson(std::string_view text, const JsonLimits& limits) : cursor_(text), limits_(limits) {}

  bool Read(Json* value, int depth) {
    switch (cursor_.Peek()) {
      case '{': return depth < limits_.depth_max && ReadObject(value, depth);
      case '[': return depth < limits_.depth_max && ReadArray(value, depth);
      case '"': {
        std::string_view text;
        if (!cursor_.TakeString(&text, &scratch_)) return false;
        *value = Json(text);
        return true;
      }
      case 't': *value = Json(true); return cursor_.TakeWord("true");
      case 'f': *value = Json(false); return cursor_.TakeWord("false");
      case 'n': *value = Json(); return cursor_.TakeWord("null");
      default: return ReadNumber(value);
    }
  }
  bool AtEnd() { return cursor_.AtEnd(); }

 private:
  bool ReadNumber(Json* value) {
    JsonNumber number;
    if (!cursor_.TakeNumber(&number)) return false;
    if (number.is_int) {
      *value = Json(number.integer);
    } else if (limits_.floats) {
      float nearest = 0;
      const auto [end, error] = std::from_chars(number.digits.data(), number.digits.data() + number.digits.size(), nearest);
      if (error != std::errc()) return false;
      *value = Json(static_cast<double>(nearest));
    } else {
      *value = Json(number.real);
    }
    return true;
  }

  bool ReadArray(Json* value, int depth) {
    Json::Array items;
    cursor_.Take('[');
    if (!cursor_.Take(']')) {
      items.reserve(8);
      do {
        if (!Read(&items.emplace_back(), depth + 1)) return false;
      } while (cursor_.Take(','));
      if (!cursor_.Take(']')) return false;
    }
    *value = Json(std::move(items));
    return true;
  }

  bool ReadObject(Json* value, int depth) {
    *value = Json::MakeObject();
    Json::Object& members = value->AsObject();
    cursor_.Take('{');
    if (cursor_.Take('}')) return true;
    members.reserve(4);
    do {
      std::string_view key;
      if (cursor_.Peek() != '"' || !cursor_.TakeString(&key, &scratch_) || members.size() == kKeysMax) return false;
      for (const Json::Member& member : members) {
        if (member.first == key) return false;
      }
      Json& member = members.emplace_back(std::string(key), Json()).second;
      if (!cursor_.Take(':') || !Read(&member, depth + 1)) return false;
    } while (cursor_.Take(','));
    return cursor_.Take('}');
  }

  JsonCursor cursor_;
  const JsonLimits& limits_;
  std::string scratch_;
};

}  // namespace

bool JsonCursor::TakeWord(std::string_view word) {
  Peek();
  if (static_cast<std::size_t>(end_ - at_) < word.size() || std::memcmp(at_, word.data(), word.size()) != 0) return false;
  at_ += word.size();
  return true;
}

// Bytes beyond ASCII are left to who checks UTF-8.
bool JsonCursor::TakeString(std::string_view* value, std::string* scratch) {
  if (!Take('"')) return false;
  const char* begin = at_;
  while (at_ != end_ && *at_ != '"' && *at_ != '\\' && static_cast<unsigned char>(*at_) >= 0x20 && static_cast<unsigned char>(*at_) < 0x80) ++at_;
  if (at_ != end_ && *at_ == '"') {
    *value = std::string_view(begin, static_cast<std::size_t>(at_ - begin));
    ++at_;
    return true;
  }
  scratch->assign(begin, at_);
  while (at_ != end_ && *at_ != '"') {
    const auto byte = static_cast<unsigned char>(*at_);
    if (byte < 0x20 || byte >= 0x80) return false;
    if (*at_ == '\\') {
      if (++at_ == end_) return false;
      const char plain = Unescaped(*at_);
      if (plain == 0) return false;
      scratch->push_back(plain);
    } else {
      scratch->push_back(*at_);
    }
    ++at_;
  }
  if (at_ == end_) return false;
  ++at_;
  *value = *scratch;
  return true;
}

bool JsonCursor::TakeNumber(JsonNumber* value) {
  Peek();
  const NumberParts parts = ReadNumber(at_, end_);
  if (parts.end == nullptr) return false;
  value->digits = std::string_view(at_, static_cast<std::size_t>(parts.end - at_));
  value->is_int = parts.is_int;
  if (parts.is_int) {
    if (parts.count > kIntDigitsMax) return false;
    const auto integer = static_cast<std::int64_t>(parts.digits);
    value->integer = parts.is_negative ? -integer : integer;
  } else if (const auto exact = ExactQuotient(parts)) {
    value->real = *exact;
  } else if (std::from_chars(at_, parts.end, value->real).ec != std::errc()) {
    return false;
  }
  at_ = parts.end;
  return true;
}

std::optional<Json> ParseKnownJson(std::string_view text, const JsonLimits& limits) {
  KnownJson reader(text, limits);
  std::optional<Json> value(std::in_place);
  if (!reader.Read(&*value, 0) || !reader.AtEnd()) return std::nullopt;
  return value;
}

}  // namespace sw::base
