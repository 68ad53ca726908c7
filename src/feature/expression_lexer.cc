#include "feature/expression_lexer.h"

#include <algorithm>

#include "base/text.h"
#include "feature/expression.h"

namespace sw::feature {
namespace {

constexpr std::string_view kSymbols[] = {"<=", ">=", "<>", "!=", "||", "+", "-", "*",
                                         "/",  "%",  "(",  ")",  ",",  "=", "<", ">"};

struct Mistake {
  std::string_view text;
  std::string_view instead;
};
constexpr Mistake kMistakes[] = {
    {"==", "write ="},
    {"&&", "write and"},
    {"--", "comments go into the TOML; put a space between two minus signs"},
    {"/*", "comments go into the TOML"},
    {"!", "write not, or <> for unequal"},
    {";", "an expression is one value, without a semicolon"},
    {"[", "write \"name\" for a column with an unusual name"},
    {"`", "write \"name\" for a column with an unusual name"},
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsNameByte(char c) { return IsNameStart(c) || IsDigit(c) || c == '.'; }

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> Run() {
    std::vector<Token> tokens;
    while (true) {
      SkipSpace();
      Token token = SW_TRY(Next());
      tokens.push_back(std::move(token));
      if (tokens.back().kind == Token::Kind::kEnd) return tokens;
    }
  }

 private:
  char Peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  Place Here() const { return {line_, static_cast<int>(at_ - line_start_) + 1}; }

  void SkipSpace() {
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\n') {
        ++line_;
        line_start_ = at_ + 1;
      } else if (c != ' ' && c != '\t' && c != '\r') {
        return;
      }
    }
  }

  Result<Token> Next() {
    Token token{.kind = Token::Kind::kEnd, .text = {}, .lower = {}, .place = Here()};
    if (at_ == text_.size()) return token;
    const char c = Peek();
    if (IsNameStart(c)) return Name(std::move(token));
    if (IsDigit(c) || (c == '.' && IsDigit(Peek(1)))) return Number(std::move(token));
    if (c == '\'') return Quoted(std::move(token), Token::Kind::kText);
    if (c == '"') return Quoted(std::move(token), Token::Kind::kQuotedName);
    return Symbol(std::move(token));
  }

  Result<Token> Name(Token token) {
    const std::size_t start = at_;
    while (IsNameByte(Peek())) ++at_;
    token.kind = Token::Kind::kName;
    token.text = text_.substr(start, at_ - start);
    token.lower = base::ToLower(token.text);
    return token;
  }

  Result<Token> Number(Token token) {
    const std::size_t start = at_;
    token.kind = Token::Kind::kInteger;
    while (IsDigit(Peek())) ++at_;
    if (Peek() == '.') {
      token.kind = Token::Kind::kNumber;
      do ++at_;
      while (IsDigit(Peek()));
    }
    if (Peek() == 'e' || Peek() == 'E') {
      token.kind = Token::Kind::kNumber;
      ++at_;
      if (Peek() == '+' || Peek() == '-') ++at_;
      while (IsDigit(Peek())) ++at_;
    }
    if (IsNameStart(Peek()) || Peek() == '.') {
      return ErrorAt(Here(), "\"{}\" after a number; put a space or an operator between", Peek());
    }
    token.text = text_.substr(start, at_ - start);
    return token;
  }

  Result<Token> Quoted(Token token, Token::Kind kind) {
    const char quote = Peek();
    token.kind = kind;
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == quote && Peek(1) != quote) {
        ++at_;
        if (kind == Token::Kind::kQuotedName && token.text.empty())
          return ErrorAt(token.place, "a column's name is empty");
        return token;
      }
      if (c == quote) ++at_;
      token.text += c;
      if (c != '\n') continue;
      ++line_;
      line_start_ = at_ + 1;
    }
    return ErrorAt(token.place, "{} is not closed; add {} at its end",
                   kind == Token::Kind::kText ? "a text" : "a quoted name", quote);
  }

  Result<Token> Symbol(Token token) {
    const std::string_view rest = text_.substr(at_);
    for (const Mistake& mistake : kMistakes) {
      // "!=" begins like the mistake "!".
      if (rest.starts_with(mistake.text) && !rest.starts_with("!=")) {
        return ErrorAt(token.place, "unexpected {}: {}", mistake.text, mistake.instead);
      }
    }
    for (const std::string_view symbol : kSymbols) {
      if (!rest.starts_with(symbol)) continue;
      at_ += symbol.size();
      token.kind = Token::Kind::kSymbol;
      token.text = symbol == "!=" ? "<>" : symbol;
      return token;
    }
    const auto byte = static_cast<unsigned char>(rest[0]);
    if (byte > 0x20 && byte < 0x7f) return ErrorAt(token.place, "unexpected {}", rest[0]);
    return ErrorAt(token.place, "unexpected byte 0x{:02x}; text goes into single quotes", byte);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
  std::size_t line_start_ = 0;
};

}  // namespace

Result<std::vector<Token>> Tokenize(std::string_view text) {
  if (text.size() > kExpressionBytesMax) {
    return InvalidArgument(
        "expression has {} bytes, the limit is {}; split it into several computed columns",
        text.size(), kExpressionBytesMax);
  }
  return Lexer(text).Run();
}

}  // namespace sw::feature
