#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "feature/expression.h"
#include "feature/expression_functions.h"
#include "feature/expression_lexer.h"
#include "feature/expression_syntax.h"

namespace sw::feature {
namespace {

using Kind = Syntax::Kind;

enum Level : int { kOrLevel = 1, kAndLevel, kCompareLevel, kConcatLevel, kSumLevel, kProductLevel };

struct Operator {
  std::string_view word;
  int level;
  std::string_view function;  // empty: a special form
};
constexpr Operator kOperators[] = {
    {"or", kOrLevel, ""},           {"and", kAndLevel, ""},         {"=", kCompareLevel, "="},
    {"<>", kCompareLevel, "<>"},    {"<", kCompareLevel, "<"},      {"<=", kCompareLevel, "<="},
    {">", kCompareLevel, ">"},      {">=", kCompareLevel, ">="},    {"is", kCompareLevel, ""},
    {"in", kCompareLevel, ""},      {"between", kCompareLevel, ""}, {"not", kCompareLevel, ""},
    {"||", kConcatLevel, "concat"}, {"+", kSumLevel, "+"},          {"-", kSumLevel, "-"},
    {"*", kProductLevel, "*"},      {"/", kProductLevel, "/"},      {"%", kProductLevel, "mod"},
};
constexpr std::string_view kKeywords[] = {"and",  "or",    "not",  "is",      "null",
                                          "true", "false", "case", "when",    "then",
                                          "else", "end",   "in",   "between", "as"};

bool IsKeyword(const Token& token) {
  return token.kind == Token::Kind::kName &&
         std::ranges::find(kKeywords, token.lower) != std::end(kKeywords);
}

std::vector<Syntax> ListOf(Syntax only) {
  std::vector<Syntax> list;
  list.push_back(std::move(only));
  return list;
}

// Recursive descent with precedence climbing. Recursion is bounded by nesting_, chains such as
// 1 + 1 + ... by the depth of the tree that they make.
class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Result<Syntax> Run() {
    Syntax whole = SW_TRY(Whole());
    if (Now().kind != Token::Kind::kEnd) return Unexpected("an operator or the end");
    return whole;
  }

 private:
  const Token& Now() const { return tokens_[at_]; }
  const Token& After() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  bool Take(std::string_view word) {
    if (!Now().Is(word)) return false;
    ++at_;
    return true;
  }
  Status Require(std::string_view word) {
    if (!Take(word)) return Unexpected(word);
    return Ok();
  }
  std::unexpected<Error> Unexpected(std::string_view expected) const {
    if (Now().kind == Token::Kind::kEnd)
      return ErrorAt(Now().place, "expected {}, found the end", expected);
    return ErrorAt(
        Now().place, "expected {}, found {}{}", expected, Now().text,
        IsKeyword(Now()) ? " (a keyword; a column of that name goes into double quotes)" : "");
  }

  Result<Syntax> Made(Syntax syntax) const {
    for (const Syntax& part : syntax.parts) syntax.depth = std::max(syntax.depth, part.depth + 1);
    if (syntax.depth > kExpressionDepthMax) return TooDeep(syntax.place);
    return syntax;
  }
  static std::unexpected<Error> TooDeep(const Place& place) {
    return ErrorAt(place, "nested deeper than {}; split it into several computed columns",
                   kExpressionDepthMax);
  }
  Result<Syntax> Call(const Place& place, std::string_view function,
                      std::vector<Syntax> parts) const {
    return Made({.kind = Kind::kCall,
                 .place = place,
                 .name = std::string(function),
                 .parts = std::move(parts)});
  }

  Result<Syntax> Whole() { return Binary(kOrLevel); }

  Result<Syntax> Binary(int level_min) {
    if (++nesting_ > 2 * kExpressionDepthMax) return TooDeep(Now().place);
    Syntax left = SW_TRY(Unary());
    while (const Operator* next = OperatorNow()) {
      if (next->level < level_min) break;
      left = SW_TRY(Extended(std::move(left), *next));
      if (next->level != kCompareLevel) continue;
      const Operator* chained = OperatorNow();
      if (chained != nullptr && chained->level == kCompareLevel) {
        return ErrorAt(Now().place,
                       "comparisons do not chain; write a < b and b < c, or use parentheses");
      }
    }
    --nesting_;
    return left;
  }

  const Operator* OperatorNow() const {
    for (const Operator& each : kOperators) {
      // A `not` in this place belongs to `not in` and `not between`.
      if (Now().Is(each.word) && (each.word != "not" || After().Is("in") || After().Is("between")))
        return &each;
    }
    return nullptr;
  }

  Result<Syntax> Extended(Syntax left, const Operator& with) {
    const Place place = Now().place;
    if (with.level == kCompareLevel && with.function.empty()) return Predicate(std::move(left));
    ++at_;
    Syntax right = SW_TRY(Binary(with.level + 1));
    const Kind kind = with.level == kOrLevel    ? Kind::kOr
                      : with.level == kAndLevel ? Kind::kAnd
                                                : Kind::kCall;
    // a and b and c is one node of three parts, and so is a || b || c: no depth is lost to long chains.
    const bool extends =
        left.kind == kind && (kind != Kind::kCall || (with.word == "||" && left.name == "concat"));
    if (extends) {
      left.parts.push_back(std::move(right));
      return Made(std::move(left));
    }
    Syntax made{.kind = kind, .place = place, .name = std::string(with.function)};
    made.parts.push_back(std::move(left));
    made.parts.push_back(std::move(right));
    return Made(std::move(made));
  }

  // is [not] null, [not] in (...), [not] between a and b
  Result<Syntax> Predicate(Syntax left) {
    const Place place = Now().place;
    std::vector<Syntax> parts;
    parts.push_back(std::move(left));
    if (Take("is")) {
      const bool is_not = Take("not");
      SW_TRY(Require("null"));
      return Call(place, is_not ? "is not null" : "is null", std::move(parts));
    }
    const bool is_not = Take("not");
    std::string_view function = "between";
    if (Take("in")) {
      function = "in";
      SW_TRY(Require("("));
      SW_TRY(Arguments(parts));
    } else {
      SW_TRY(Require("between"));
      parts.push_back(SW_TRY(Binary(kConcatLevel)));
      SW_TRY(Require("and"));
      parts.push_back(SW_TRY(Binary(kConcatLevel)));
    }
    Syntax call = SW_TRY(Call(place, function, std::move(parts)));
    if (!is_not) return call;
    return Call(place, "not", ListOf(std::move(call)));
  }

  Result<Syntax> Unary() {
    const Place place = Now().place;
    if (++nesting_ > 2 * kExpressionDepthMax) return TooDeep(place);
    Syntax made;
    if (Take("not")) {
      Syntax operand = SW_TRY(Binary(kCompareLevel));
      made = SW_TRY(Call(place, "not", ListOf(std::move(operand))));
    } else if (Now().Is("-") && After().kind == Token::Kind::kInteger) {
      ++at_;
      made = SW_TRY(Integer("-"));
    } else if (Take("-")) {
      Syntax operand = SW_TRY(Unary());
      made = SW_TRY(Call(place, "negative", ListOf(std::move(operand))));
    } else {
      Take("+");
      made = SW_TRY(Primary());
    }
    --nesting_;
    return made;
  }

  Result<Syntax> Primary() {
    const Token& token = Now();
    switch (token.kind) {
      case Token::Kind::kInteger:
        return Integer("");
      case Token::Kind::kNumber:
        return Number();
      case Token::Kind::kText:
        ++at_;
        return Syntax{.place = token.place, .literal = token.text};
      case Token::Kind::kQuotedName:
        ++at_;
        return Column(token);
      case Token::Kind::kName:
        return Named();
      default:
        break;
    }
    if (!Take("(")) return Unexpected("a value");
    Syntax inner = SW_TRY(Whole());
    SW_TRY(Require(")"));
    return inner;
  }

  static Syntax Column(const Token& token) {
    return Syntax{.kind = Kind::kColumn, .place = token.place, .name = token.text};
  }

  Result<Syntax> Named() {
    const Token& token = Now();
    if (token.Is("case")) return Case();
    if (token.Is("null") || token.Is("true") || token.Is("false")) {
      ++at_;
      Syntax literal{.place = token.place};
      if (!token.Is("null")) literal.literal = token.Is("true");
      return literal;
    }
    if (IsKeyword(token)) return Unexpected("a value");
    ++at_;
    if (token.lower == "timestamp" && Now().kind == Token::Kind::kText) {
      Syntax cast{.kind = Kind::kCast, .place = token.place, .type = data::Type::kTimestamp};
      cast.parts.push_back(SW_TRY(Primary()));
      return Made(std::move(cast));
    }
    if (!Take("(")) return Column(token);
    if (token.lower == "cast" || token.lower == "try_cast") return Cast(token);
    std::vector<Syntax> parts;
    SW_TRY(Arguments(parts));
    return Function(token, std::move(parts));
  }

  // After the opening parenthesis, up to and with the closing one.
  Status Arguments(std::vector<Syntax>& parts) {
    if (Take(")")) return Ok();
    do parts.push_back(SW_TRY(Whole()));
    while (Take(","));
    if (!Now().Is(")")) return Unexpected(", or )");
    ++at_;
    return Ok();
  }

  Result<Syntax> Function(const Token& token, std::vector<Syntax> parts) {
    Syntax call{
        .kind = Kind::kCall, .place = token.place, .name = token.lower, .parts = std::move(parts)};
    if (token.lower == "coalesce" || token.lower == "if") {
      const bool is_if = token.lower == "if";
      if (call.parts.empty() || (is_if && call.parts.size() != 3)) {
        return ErrorAt(token.place, "{} takes {}", token.lower,
                       is_if ? "(condition, value, other value)" : "at least one value");
      }
      call.kind = is_if ? Kind::kCase : Kind::kCoalesce;
      return Made(std::move(call));
    }
    SW_TRY(CheckCall(call));
    return Made(std::move(call));
  }

  Result<Syntax> Cast(const Token& token) {
    Syntax cast{.kind = Kind::kCast, .place = token.place, .is_lenient = token.lower == "try_cast"};
    cast.parts.push_back(SW_TRY(Whole()));
    SW_TRY(Require("as"));
    const auto type = data::ParseType(Now().lower);
    if (Now().kind != Token::Kind::kName || !type)
      return Unexpected("a type: bool, int64, float64, string or timestamp");
    cast.type = *type;
    ++at_;
    SW_TRY(Require(")"));
    return Made(std::move(cast));
  }

  Result<Syntax> Case() {
    Syntax made{.kind = Kind::kCase, .place = Now().place};
    ++at_;
    if (!Now().Is("when")) {
      made.has_operand = true;
      made.parts.push_back(SW_TRY(Whole()));
    }
    if (!Now().Is("when")) return Unexpected("when");
    while (Take("when")) {
      made.parts.push_back(SW_TRY(Whole()));
      SW_TRY(Require("then"));
      made.parts.push_back(SW_TRY(Whole()));
    }
    made.parts.push_back(Take("else") ? SW_TRY(Whole()) : Syntax{.place = Now().place});
    if (!Take("end")) return Unexpected("when, else or end");
    return Made(std::move(made));
  }

  // The sign is read with the digits, because -9223372036854775808 has no positive counterpart.
  Result<Syntax> Integer(std::string_view sign) {
    const Token& token = Now();
    const std::string digits = std::string(sign) + token.text;
    std::int64_t value = 0;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (code != std::errc())
      return ErrorAt(token.place, "{} does not fit into int64; write {}.0 for a float64", digits,
                     digits);
    ++at_;
    return Syntax{.place = token.place, .literal = value};
  }

  Result<Syntax> Number() {
    const Token& token = Now();
    double value = 0;
    const char* last = token.text.data() + token.text.size();
    const auto [end, code] = std::from_chars(token.text.data(), last, value);
    if (code != std::errc() || end != last)
      return ErrorAt(token.place, "{} is no number that a float64 can hold", token.text);
    ++at_;
    return Syntax{.place = token.place, .literal = value};
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int nesting_ = 0;
};

void CollectColumns(const Syntax& syntax, std::vector<std::string>& names) {
  if (syntax.kind == Kind::kColumn && std::ranges::find(names, syntax.name) == names.end())
    names.push_back(syntax.name);
  for (const Syntax& part : syntax.parts) CollectColumns(part, names);
}

}  // namespace

std::string DidYouMean(std::string_view wanted, const std::vector<std::string>& candidates) {
  const auto near = data::NearMisses(wanted, candidates);
  return near.empty() ? "" : fmt::format("; did you mean {}?", fmt::join(near, ", "));
}

Result<Syntax> ParseExpression(std::string_view text) {
  std::vector<Token> tokens = SW_TRY(Tokenize(text));
  if (tokens.size() == 1)
    return InvalidArgument("expression is empty; write one such as arr_delay > 15");
  return Parser(std::move(tokens)).Run();
}

Result<std::vector<std::string>> ParseColumns(std::string_view text) {
  const Syntax syntax = SW_TRY(ParseExpression(text));
  std::vector<std::string> names;
  CollectColumns(syntax, names);
  return names;
}

}  // namespace sw::feature
