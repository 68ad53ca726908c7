// Small functions on text, of ASCII: what lies beyond it stays as it is.
#pragma once

#include <string>
#include <string_view>

namespace sw::base {

constexpr char ToLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

inline std::string ToLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = ToLower(c);
  return lower;
}

// Without the blanks at both ends.
constexpr std::string_view Trimmed(std::string_view text, std::string_view blanks = " \t") {
  const std::size_t from = text.find_first_not_of(blanks);
  if (from == text.npos) return {};
  return text.substr(from, text.find_last_not_of(blanks) - from + 1);
}

}  // namespace sw::base
