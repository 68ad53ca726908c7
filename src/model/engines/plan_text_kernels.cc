// The kernel that counts terms of a text, as CountVectorizer does.
#include <algorithm>
#include <functional>
#include <utility>

#include "base/errors.h"
#include "model/engines/plan_dictionary.h"
#include "model/engines/plan_kernel.h"

namespace sw::model {
namespace {

constexpr char32_t kReplacement = 0xfffd;
constexpr char32_t kCapitalSigma = 0x3a3;
constexpr std::string_view kFinalSigma = "\xCF\x82";

// Code points, with U+FFFD for each byte that is no UTF-8.
std::u32string Decode(std::string_view text) {
  std::u32string points;
  points.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t more = lead < 0x80 ? 0 : (lead >= 0xf0 && lead < 0xf8 ? 3 : (lead >= 0xe0 ? 2 : 1));
    char32_t point = more == 0 ? lead : lead & (0x3fU >> more);
    bool is_good = lead < 0x80 || (lead >= 0xc2 && lead < 0xf5 && i + more < text.size());
    for (std::size_t k = 1; is_good && k <= more; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      is_good = (next & 0xc0) == 0x80;
      point = point << 6 | (next & 0x3f);
    }
    points += is_good ? point : kReplacement;
    i += is_good ? more + 1 : 1;
  }
  return points;
}

void AppendUtf8(std::string& text, char32_t point) {
  if (point < 0x80) {
    text += static_cast<char>(point);
    return;
  }
  const int more = point < 0x800 ? 1 : (point < 0x10000 ? 2 : 3);
  constexpr unsigned kLeads[] = {0, 0xc0, 0xe0, 0xf0};
  text += static_cast<char>(kLeads[more] | point >> (6 * more));
  for (int k = more - 1; k >= 0; --k) text += static_cast<char>(0x80 | (point >> (6 * k) & 0x3f));
}

bool IsIn(const std::vector<std::int32_t>& ranges, char32_t point) {
  const auto after = std::ranges::upper_bound(ranges, static_cast<std::int32_t>(point));
  const auto place = static_cast<std::size_t>(after - ranges.begin());  // odd: within a range
  return place % 2 == 1 || (place > 0 && ranges[place - 1] == static_cast<std::int32_t>(point));
}

class CountKernel final : public Kernel {
 public:
  explicit CountKernel(CountOp op)
      : op_(std::move(op)), terms_({.type = CellType::kText, .texts = op_.vocabulary}), stops_({.type = CellType::kText, .texts = op_.stop_words}) {}

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    std::fill_n(out.numbers, op_.vocabulary.size() * rows, 0.0);
    for (std::size_t r = 0; r < rows; ++r) {
      const std::string_view text = in[0].texts[r];
      if (text.data() == nullptr) return InvalidArgument("the text is missing, which the library refuses");
      Count(text, [&](std::string_view term) {
        const std::int32_t place = terms_.Find(term);
        if (place == CategoryIndex::kNone) return;
        double& count = out.numbers[static_cast<std::size_t>(place) * rows + r];
        count = op_.is_binary ? 1 : count + 1;
      });
    }
    return Ok();
  }

 private:
  using Take = std::function<void(std::string_view)>;

  void Count(std::string_view text, const Take& take) const {
    const std::u32string points = Lowered(Decode(text));
    switch (op_.analyzer) {
      case CountOp::Analyzer::kWord: return CountWords(points, take);
      case CountOp::Analyzer::kChar: return CountCharacters(points, take);
      case CountOp::Analyzer::kCharWithinWord: return CountWithinWords(points, take);
    }
  }

  // Python's str.lower: a capital sigma that ends a word becomes the final small one.
  std::u32string Lowered(std::u32string points) const {
    if (op_.capitals.empty()) return points;
    std::u32string lowered;
    lowered.reserve(points.size());
    for (std::size_t i = 0; i < points.size(); ++i) {
      const auto found = std::ranges::lower_bound(op_.capitals, static_cast<std::int32_t>(points[i]));
      const bool is_capital = found != op_.capitals.end() && *found == static_cast<std::int32_t>(points[i]);
      if (!is_capital) lowered += points[i];
      else if (points[i] == kCapitalSigma && EndsWord(points, i)) lowered += Decode(kFinalSigma);
      else lowered += Decode(op_.small[static_cast<std::size_t>(found - op_.capitals.begin())]);
    }
    return lowered;
  }

  bool EndsWord(const std::u32string& points, std::size_t at) const {
    std::size_t before = at, after = at + 1;
    while (before > 0 && IsIn(op_.ignorable, points[before - 1])) --before;
    while (after < points.size() && IsIn(op_.ignorable, points[after])) ++after;
    const bool has_before = before > 0 && IsIn(op_.cased, points[before - 1]);
    return has_before && !(after < points.size() && IsIn(op_.cased, points[after]));
  }

  // Whole runs of word characters, of at least token_min; then runs of words.
  void CountWords(const std::u32string& points, const Take& take) const {
    std::vector<std::string> tokens;
    for (std::size_t i = 0; i < points.size();) {
      std::string token;
      std::size_t length = 0;
      for (; i < points.size() && IsIn(op_.words, points[i]); ++i, ++length) AppendUtf8(token, points[i]);
      if (length == 0) ++i;
      if (length >= op_.token_min && stops_.Find(std::string_view(token)) == CategoryIndex::kNone) tokens.push_back(std::move(token));
    }
    for (std::size_t first = 0; first < tokens.size(); ++first) {
      std::string gram;
      for (std::size_t n = 1; n <= op_.grams_max && first + n <= tokens.size(); ++n) {
        if (n > 1) gram += ' ';
        gram += tokens[first + n - 1];
        if (n >= op_.grams_min) take(gram);
      }
    }
  }

  void Grams(const std::u32string& points, std::size_t n, const Take& take) const {
    for (std::size_t first = 0; first + n <= points.size(); ++first) {
      std::string gram;
      for (std::size_t k = 0; k < n; ++k) AppendUtf8(gram, points[first + k]);
      take(gram);
    }
  }

  // Two or more spaces are one.
  void CountCharacters(const std::u32string& points, const Take& take) const {
    std::u32string collapsed;
    for (std::size_t i = 0; i < points.size();) {
      std::size_t end = i;
      while (end < points.size() && IsIn(op_.spaces, points[end])) ++end;
      if (end - i >= 2) collapsed += U' ';
      else collapsed += points[i];
      i = std::max(end, i + 1);
    }
    for (std::size_t n = op_.grams_min; n <= op_.grams_max; ++n) Grams(collapsed, n, take);
  }

  // Each word between spaces of its own; a word shorter than a gram counts once, whole.
  void CountWithinWords(const std::u32string& points, const Take& take) const {
    for (std::size_t i = 0; i < points.size();) {
      std::u32string word = U" ";
      for (; i < points.size() && !IsIn(op_.spaces, points[i]); ++i) word += points[i];
      if (word.size() == 1) {
        ++i;
        continue;
      }
      word += U' ';
      for (std::size_t n = op_.grams_min; n <= op_.grams_max; ++n) {
        Grams(word, std::min(n, word.size()), take);
        if (n >= word.size()) break;
      }
    }
  }

  CountOp op_;
  CategoryIndex terms_, stops_;
};

}  // namespace

std::unique_ptr<Kernel> MakeKernel(const CountOp& op, const Shape&) { return std::make_unique<CountKernel>(op); }

}  // namespace sw::model
