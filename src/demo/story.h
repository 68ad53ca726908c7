// Story: what the demo said and found, kept for the report, and whether each statement held.
// One owner.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace sw::demo {

struct Statement {
  std::string text;
  bool held = false;
};

// "1,044,991".
std::string Thousands(std::int64_t number);

class Story {
 public:
  // Prints a step's line: " 7  serve June   28,243 requests ...".
  void Say(int step, std::string_view what, const std::string& figures);
  // What is being done meanwhile, on a terminal only; the next line replaces it.
  void Show(const std::string& text) const;
  // Records a statement; one that did not hold is printed at once.
  void Check(bool held, const std::string& text);
  // Keeps something for the report.
  void Keep(const std::string& name, Json value) { facts_.Set(name, std::move(value)); }
  const Json* Fact(std::string_view name) const { return facts_.Find(name); }

  bool AllHeld() const;
  const std::vector<Statement>& statements() const { return statements_; }
  Json ToJson() const;  // {"steps": [...], "statements": [...], "facts": {...}}

 private:
  Json steps_ = Json::MakeArray();
  std::vector<Statement> statements_;
  Json facts_ = Json::MakeObject();
};

}  // namespace sw::demo
