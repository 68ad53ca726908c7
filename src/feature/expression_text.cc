// Functions of text. Bytes are compared as bytes and only ASCII letters change case: no locale, no
// version of Unicode can change a feature's value.
#include <algorithm>

#include "feature/expression_rows.h"

namespace sw::feature {
namespace {

using data::Type;
using Int = std::int64_t;
using Text = std::string_view;

template <char kFirst, char kLast, char kNewFirst>
std::string Shifted(Text text) {
  std::string shifted(text);
  for (char& c : shifted) {
    if (c >= kFirst && c <= kLast) c = static_cast<char>(c - kFirst + kNewFirst);
  }
  return shifted;
}

Text Trimmed(Text text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first == Text::npos ? Text()
                             : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U; }

Int Length(Text text) {
  return std::ranges::count_if(text, [](char c) { return !IsContinuation(c); });
}

// The byte where character `index` (from 0) begins, or the end.
std::size_t ByteOf(Text text, Int index) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (!IsContinuation(text[at]) && index-- == 0) break;
  }
  return at;
}

// Characters from `from` (the first is 1), as many as `count`. What lies outside of the text is empty.
std::string Part(Text text, Int from, Int count) {
  const Int length = Length(text);
  const Int begin = std::clamp<Int>(from, 1, length + 1);
  Int end = 0;  // past the last
  if (count <= 0 || __builtin_add_overflow(from, count, &end))
    end = count <= 0 ? begin : length + 1;
  end = std::clamp<Int>(end, begin, length + 1);
  const std::size_t first = ByteOf(text, begin - 1);
  return std::string(text.substr(first, ByteOf(text, end - 1) - first));
}

CallResult Concat(const CallInput& input) {
  Output output(Type::kString, input.rows);
  std::string joined;
  for (std::size_t row = 0; row < input.rows && !output.has_failed(); ++row) {
    joined.clear();
    bool is_null = false;
    for (const Value& value : input.arguments) {
      const data::Column& column = value.column();
      const std::size_t at = value.RowOf(row);
      is_null = is_null || column.IsNull(at);
      if (is_null) break;
      if (column.type() == Type::kString) {
        joined += column.String(at);
      } else if (column.type() == Type::kInt64) {
        joined += fmt::format_int(column.Int(at)).c_str();
      } else {
        joined += column.ToText(at);
      }
    }
    if (is_null) {
      output.AppendNull();
    } else {
      output.Append(joined);
    }
  }
  return std::move(output).Finish();
}

template <auto kFunction>
CallResult OfText(const CallInput& input) {
  return EachRow<Text>(input, Type::kString, kFunction);
}
template <auto kFunction>
CallResult Test(const CallInput& input) {
  return EachRow<Text, Text>(input, Type::kBool, kFunction);
}

constexpr auto kStartsWith = [](Text text, Text part) { return text.starts_with(part); };
constexpr auto kEndsWith = [](Text text, Text part) { return text.ends_with(part); };
constexpr auto kContains = [](Text text, Text part) { return text.find(part) != Text::npos; };

CallResult LengthOf(const CallInput& input) { return EachRow<Text>(input, Type::kInt64, Length); }
CallResult PartOf(const CallInput& input) {
  return EachRow<Text, Int, Int>(input, Type::kString, Part);
}

constexpr Signature kSignatures[] = {
    {"concat", "?+", Type::kString, Concat},
    {"lower", "s", Type::kString, OfText<Shifted<'A', 'Z', 'a'>>},
    {"upper", "s", Type::kString, OfText<Shifted<'a', 'z', 'A'>>},
    {"trim", "s", Type::kString, OfText<Trimmed>},
    {"length", "s", Type::kInt64, LengthOf},
    {"substring", "sii", Type::kString, PartOf},
    {"starts_with", "ss", Type::kBool, Test<kStartsWith>},
    {"ends_with", "ss", Type::kBool, Test<kEndsWith>},
    {"contains", "ss", Type::kBool, Test<kContains>},
};

}  // namespace

std::span<const Signature> TextFunctions() { return kSignatures; }

}  // namespace sw::feature
