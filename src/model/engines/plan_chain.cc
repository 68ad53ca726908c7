#include "model/engines/plan_chain.h"

#include <algorithm>
#include <bit>

namespace sw::model {
namespace {

// The numbers' order as integers; -0 comes just before 0.
double NumberAt(std::uint64_t place) {
  constexpr std::uint64_t kSign = 1ULL << 63;
  return std::bit_cast<double>(place & kSign ? place ^ kSign : ~place);
}

std::uint64_t PlaceOf(double number) {
  constexpr std::uint64_t kSign = 1ULL << 63;
  const auto bits = std::bit_cast<std::uint64_t>(number);
  return bits & kSign ? ~bits : bits ^ kSign;
}

}  // namespace

Chain Chains::TraceNumber(PlanColumn column) const {
  Chain chain{.source = column, .steps = {}, .category = {}, .category_input = {}};
  for (auto parent = lineage_.Parent(column); parent; parent = lineage_.Parent(column)) {
    const Kernel& kernel = *lineage_.KernelOf(column);
    if (kernel.IsMonotone(column.column) == Monotone::kNo || kernel.CategoriesOf(column.column) != nullptr) break;
    chain.steps.push_back(column);
    chain.source = column = *parent;
  }
  std::ranges::reverse(chain.steps);
  return chain;
}

Chain Chains::Trace(PlanColumn column, bool only_categories) const {
  std::vector<PlanColumn> passed;
  std::optional<std::size_t> category;  // place in `passed` of the first stage that tells categories apart
  PlanColumn at = column;
  for (auto parent = lineage_.Parent(at); parent; parent = lineage_.Parent(at)) {
    if (lineage_.KernelOf(at)->CategoriesOf(at.column) != nullptr) category = passed.size();
    passed.push_back(at);
    at = *parent;
  }
  if (!category) return only_categories ? Chain{.source = column, .steps = {}, .category = {}, .category_input = {}} : TraceNumber(column);
  Chain chain{.kind = Chain::Kind::kCategory, .source = {}, .steps = {}, .category = passed[*category], .category_input = {}};
  chain.category_input = chain.source = *lineage_.Parent(chain.category);
  std::size_t end = *category + 1;
  // Before it, only stages that leave present cells as they are.
  while (end < passed.size() && lineage_.KernelOf(passed[end])->KeepsPresent(passed[end].column)) {
    chain.source = *lineage_.Parent(passed[end++]);
  }
  chain.steps.assign(passed.begin(), passed.begin() + static_cast<std::ptrdiff_t>(end));
  std::ranges::reverse(chain.steps);
  return chain;
}

Cell Chains::Map(const Chain& chain, Cell cell) const {
  bool is_refused = false;
  for (const PlanColumn& step : chain.steps) {
    cell = lineage_.KernelOf(step)->Map(step.column, cell);
    is_refused = is_refused || cell.is_refused;
  }
  cell.is_refused = is_refused;
  return cell;
}

double Chains::Unmap(const Chain& chain, double number) const {
  for (auto step = chain.steps.rbegin(); step != chain.steps.rend(); ++step) {
    number = lineage_.KernelOf(*step)->Unmap(step->column, number);
  }
  return number;
}

bool Chains::IsFalling(const Chain& chain) const {
  return std::ranges::count_if(chain.steps, [&](const PlanColumn& step) {
           return lineage_.KernelOf(step)->IsMonotone(step.column) == Monotone::kFalling;
         }) % 2 == 1;
}

const Categories& Chains::CategoriesOf(const Chain& chain) const {
  return *lineage_.KernelOf(chain.category)->CategoriesOf(chain.category.column);
}

int Chains::Judge(const Chain& chain, double number) const {
  Cell cell{.number = number};
  int direction = 1;
  for (const PlanColumn& step : chain.steps) {
    const Kernel& kernel = *lineage_.KernelOf(step);
    cell = kernel.Map(step.column, cell);
    if (kernel.IsMonotone(step.column) == Monotone::kFalling) direction = -direction;
    if (cell.is_refused) return cell.number > 0 ? direction : -direction;
  }
  return 0;
}

Chains::Range Chains::Accepted(const Chain& chain) const {
  Range range{.allows_missing = !Map(chain, Cell{}).is_refused};
  const auto high = GreatestPassing([&](double x) { return Judge(chain, x) <= 0; });
  const auto too_low = GreatestPassing([&](double x) { return Judge(chain, x) < 0; });
  range.high = high.value_or(-std::numeric_limits<double>::infinity());
  if (too_low) range.low = NumberAt(PlaceOf(*too_low) + 1);
  if (!high) range.low = std::numeric_limits<double>::infinity();
  return range;
}

std::optional<double> GreatestPassing(const std::function<bool(double)>& passes, double guess) {
  const std::uint64_t first = PlaceOf(-std::numeric_limits<double>::infinity());
  const std::uint64_t last = PlaceOf(std::numeric_limits<double>::infinity());
  std::uint64_t low = std::isnan(guess) ? first : PlaceOf(guess), high = low;
  const bool is_up = passes(NumberAt(low));
  for (std::uint64_t step = 1;; step *= 2) {  // until low passes and high does not
    if (is_up) {
      low = high;
      if (low == last) return NumberAt(last);
      high = last - low > step ? low + step : last;
      if (!passes(NumberAt(high))) break;
    } else {
      high = low;
      if (high == first) return {};
      low = high - first > step ? high - step : first;
      if (passes(NumberAt(low))) break;
    }
    if (step > (1ULL << 61)) step = 1ULL << 61;
  }
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    (passes(NumberAt(middle)) ? low : high) = middle;
  }
  return NumberAt(low);
}

}  // namespace sw::model
