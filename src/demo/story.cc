#include "demo/story.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace sw::demo {

namespace {

// Ends the line that Show left.
void ClearShown() {
  if (isatty(STDOUT_FILENO) == 1) fmt::print("\r\x1b[K");
}

}  // namespace

std::string Thousands(std::int64_t number) {
  std::string digits = fmt::format("{}", number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

void Story::Show(const std::string& text) const {
  if (isatty(STDOUT_FILENO) != 1) return;
  fmt::print("\r\x1b[K    {}", text);
  std::fflush(stdout);
}

void Story::Say(int step, std::string_view what, const std::string& figures) {
  ClearShown();
  fmt::print("{:>2}  {:<22} {}\n", step, what, figures);
  std::fflush(stdout);
  steps_.Append(Json::MakeObject({{"step", step}, {"what", what}, {"figures", figures}}));
}

void Story::Check(bool held, const std::string& text) {
  statements_.push_back({text, held});
  if (held) return;
  ClearShown();
  fmt::print("    DID NOT HOLD: {}\n", text);
}

bool Story::AllHeld() const {
  return std::all_of(statements_.begin(), statements_.end(), [](const Statement& s) { return s.held; });
}

Json Story::ToJson() const {
  Json statements = Json::MakeArray();
  for (const Statement& s : statements_) statements.Append(Json::MakeObject({{"text", s.text}, {"held", s.held}}));
  return Json::MakeObject({{"steps", steps_}, {"statements", std::move(statements)}, {"facts", facts_}});
}

}  // namespace sw::demo
