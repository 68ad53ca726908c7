#include "model/engines/plan_sources.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "model/heap_bytes.h"

namespace sw::model {
namespace {

// A text that is none of the categories.
std::string UnknownText(const Categories& categories) {
  std::size_t longest = 0;
  for (const std::string& text : categories.texts) longest = std::max(longest, text.size());
  return std::string(longest + 1, '?');
}

double UnknownNumber(const Categories& categories) {
  const std::set<double> known(categories.numbers.begin(), categories.numbers.end());
  double number = 0.5;
  while (known.contains(number)) number += 1;
  return number;
}

std::set<std::uint32_t> Ancestors(const Plan& plan, const std::vector<std::uint32_t>& values) {
  const auto inputs = static_cast<std::uint32_t>(plan.inputs.size());
  std::set<std::uint32_t> found(values.begin(), values.end());
  for (auto at = found.rbegin(); at != found.rend(); ++at) {  // greatest first: ancestors come before
    if (*at < inputs) break;
    for (const std::uint32_t value : plan.stages[*at - inputs].in) found.insert(value);
  }
  return found;
}

}  // namespace

std::size_t Source::memory_bytes() const {
  std::size_t bytes = HeapBytes(examples) + HeapBytes(is_refused) + BlockBytes(index.capacity() * sizeof(CategoryIndex));
  for (const CategoryIndex& each : index) bytes += each.memory_bytes();
  return bytes;
}

std::size_t Source::CodeOf(const Block& in, std::size_t at) const {
  const std::size_t unknown = codes() - 2;
  if (type == CellType::kText ? in.texts[at].data() == nullptr : std::isnan(in.numbers[at])) return unknown + 1;
  const std::int32_t found = type == CellType::kText ? index[0].Find(in.texts[at]) : index[0].Find(in.numbers[at]);
  return found == CategoryIndex::kNone ? unknown : static_cast<std::size_t>(found);
}

Sources::Sources( const std::vector<Shape>& shapes, const Lineage& lineage, std::uint32_t value,
                 const std::vector<bool>& only_categories)
    : shapes_(shapes), lineage_(lineage), chains_(lineage) {
  using Key = std::tuple<Chain::Kind, std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t>;
  std::map<Key, std::size_t> known;  // two encoders of one column know different categories
  for (std::uint32_t column = 0; column < shapes[value].width; ++column) {
    Chain chain = chains_.Trace({value, column}, !only_categories.empty() && only_categories[column]);
    const Key key{chain.kind, chain.source.value, chain.source.column, chain.category.value, chain.category_input.column};
    const auto [found, is_new] = known.emplace(key, sources_.size());
    if (is_new) sources_.push_back(MakeSource(chain));
    AddRefusals(sources_[found->second], chain);
    source_of_.push_back(found->second);
    chain_of_.push_back(std::move(chain));
  }
}

std::size_t Sources::BlockOf(std::uint32_t value) {
  const auto found = std::ranges::find(values_, value);
  const auto place = static_cast<std::size_t>(found - values_.begin());
  if (found == values_.end()) values_.push_back(value);
  return place;
}

Source Sources::MakeSource(const Chain& chain) {
  Source source{.kind = chain.kind, .column = chain.source, .block = BlockOf(chain.source.value),
                .type = shapes_[chain.source.value].type, .range = {}, .index = {}, .examples = {}, .is_refused = {}};
  if (chain.kind == Chain::Kind::kNumber) return source;
  const Categories& categories = chains_.CategoriesOf(chain);
  source.index.emplace_back(categories);
  for (const std::string& text : categories.texts) source.examples.push_back({.text = text});
  for (const double number : categories.numbers) source.examples.push_back({.number = number});
  if (source.type == CellType::kText) source.examples.push_back({.text = unknown_texts_.emplace_back(UnknownText(categories))});
  else source.examples.push_back({.number = UnknownNumber(categories)});
  source.examples.emplace_back();
  source.is_refused.resize(source.examples.size());
  return source;
}

void Sources::AddRefusals(Source& source, const Chain& chain) const {
  if (source.kind == Chain::Kind::kCategory) {
    for (std::size_t code = 0; code < source.codes(); ++code) {
      source.is_refused[code] = source.is_refused[code] || chains_.Map(chain, source.examples[code]).is_refused;
    }
    return;
  }
  const bool can_refuse = std::ranges::any_of(chain.steps, [&](const PlanColumn& step) {
    return lineage_.KernelOf(step)->CanRefuse(step.column);
  });
  if (!can_refuse) return;
  const Chains::Range range = chains_.Accepted(chain);
  source.range.low = std::max(source.range.low, range.low);
  source.range.high = std::min(source.range.high, range.high);
  source.range.allows_missing = source.range.allows_missing && range.allows_missing;
}

std::vector<double> Sources::Table(std::size_t column) const {
  std::vector<double> values;
  for (const Cell& cell : sources_[source_of_[column]].examples) values.push_back(chains_.Map(chain_of_[column], cell).number);
  return values;
}

bool Sources::IsWorthwhile(const Plan& plan, std::uint32_t head) const {
  const bool folds = std::ranges::any_of(chain_of_, [](const Chain& chain) { return !chain.steps.empty(); });
  if (!folds) return false;
  const auto inputs = static_cast<std::uint32_t>(plan.inputs.size());
  const std::set<std::uint32_t> kept = Ancestors(plan, values_);
  // Columns of stages whose refusals the sources know.
  std::set<std::pair<std::uint32_t, std::uint32_t>> covered;
  for (const Chain& chain : chain_of_) {
    for (const PlanColumn& step : chain.steps) covered.emplace(step.value, lineage_.KernelOf(step)->SourceColumn(step.column).value_or(0));
  }
  for (const std::uint32_t value : Ancestors(plan, plan.stages[head].in)) {
    if (value < inputs || kept.contains(value)) continue;
    const PlanStage& stage = plan.stages[value - inputs];
    std::uint32_t width = 0;
    for (const std::uint32_t in : stage.in) width += static_cast<std::uint32_t>(shapes_[in].width);
    for (std::uint32_t column = 0; column < width; ++column) {
      if (lineage_.KernelOf({value, 0})->CanRefuseInput(column) && !covered.contains({value, column})) return false;
    }
  }
  return true;
}

}  // namespace sw::model
