#include "eval/lineage.h"

#include <algorithm>
#include <utility>

#include "base/errors.h"

namespace sw::eval {
namespace {

using stats::Judgement;
using stats::Verdict;

const ColumnLineage* Find(const Lineage& lineage, const std::string& name) {
  const auto found = std::find_if(lineage.columns.begin(), lineage.columns.end(),
                                  [&](const ColumnLineage& column) { return column.name == name; });
  return found == lineage.columns.end() ? nullptr : &*found;
}

Json ToJson(const ColumnLineage& column) {
  return Json::MakeObject({{"column", column.name},
                           {"rows", column.rows},
                           {"rows_too_late", column.rows_too_late},
                           {"examples", Json::FromRange(column.examples)}});
}

double LateShare(const ColumnLineage& column) {
  return column.rows == 0
             ? 0
             : static_cast<double>(column.rows_too_late) / static_cast<double>(column.rows);
}

struct Findings {
  std::vector<ColumnLineage> late;   // the greatest share first
  std::vector<std::string> unknown;  // inputs without lineage
  std::uint64_t columns = 0;         // inputs with it
  std::uint64_t values = 0;
};

Findings Look(const std::vector<std::string>& inputs, const Lineage& lineage) {
  Findings made;
  for (const std::string& input : inputs) {
    const ColumnLineage* column = Find(lineage, input);
    if (column == nullptr) {
      made.unknown.push_back(input);
      continue;
    }
    ++made.columns;
    made.values += column->rows;
    if (column->rows_too_late > 0) made.late.push_back(*column);
  }
  std::stable_sort(
      made.late.begin(), made.late.end(),
      [](const ColumnLineage& a, const ColumnLineage& b) { return LateShare(a) > LateShare(b); });
  return made;
}

std::string DescribeLate(const std::vector<ColumnLineage>& late) {
  const ColumnLineage& worst = late.front();
  const std::string others =
      late.size() > 1 ? fmt::format("; {} other inputs too", late.size() - 1) : "";
  const std::string example = worst.examples.empty() ? "" : ", such as " + worst.examples.front();
  return fmt::format("input {} was known only after the moment in {} of {} rows ({:.1f} %){}{}",
                     worst.name, worst.rows_too_late, worst.rows, 100 * LateShare(worst), example,
                     others);
}

// What is in the way of a pass; "" when nothing is.
std::string DescribeUnknown(const Findings& found, const Lineage& lineage) {
  if (!found.unknown.empty()) {
    const std::size_t shown = std::min<std::size_t>(5, found.unknown.size());
    return fmt::format("no lineage of {} inputs: {}", found.unknown.size(),
                       fmt::join(found.unknown.begin(),
                                 found.unknown.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  }
  if (!lineage.label_is_known) return "labels without lineage";
  if (found.columns > 0 && found.values == 0) return "the inputs hold no value at all";
  return "";
}

}  // namespace

Judgement JudgeLineage(const std::vector<std::string>& inputs,
                       const std::optional<Lineage>& lineage) {
  Judgement made{.evidence = Json::MakeObject(
                     {{"inputs", inputs.size()}, {"has_lineage", lineage.has_value()}})};
  if (!lineage) {
    made.summary = "no lineage: when the values of its table became known cannot be told";
    return made;
  }
  const Findings found = Look(inputs, *lineage);
  made.evidence.Set("values", found.values);
  made.evidence.Set("label_is_known", lineage->label_is_known);
  made.evidence.Set("unknown", Json::FromRange(found.unknown));
  made.evidence.Set("late", Json::MakeArray());
  for (const ColumnLineage& column : found.late) made.evidence["late"].Append(ToJson(column));
  const std::string unknown = DescribeUnknown(found, *lineage);
  if (!found.late.empty()) {
    made.verdict = Verdict::kFail;
    made.summary = DescribeLate(found.late);
  } else if (!unknown.empty()) {
    made.summary = unknown;
  } else {
    made.verdict = Verdict::kPass;
    made.summary = fmt::format("all {} values of {} inputs were known at their moment",
                               found.values, found.columns);
  }
  return made;
}

}  // namespace sw::eval
