#include "model/engines/plan_fusion.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/errors.h"
#include "model/engines/forest_engine.h"
#include "model/engines/plan_sources.h"
#include "model/heap_bytes.h"
#include "model/reference.h"

namespace sw::model {
namespace {

constexpr std::size_t kCodesMax = 4096;           // of one column of a forest: a set a node
constexpr std::size_t kTableEntriesMax = 1u << 22;  // of one linear model
constexpr std::size_t kFoldStepsMax = 1u << 26;  // of one forest: steps of the chains, and codes, of all nodes

// Why a fused kernel gives up; the stages then say what is wrong.
Status GiveUp() { return InvalidArgument("a row that the library refuses"); }

// Whether folding the forest takes long: every node maps numbers through its column's chain, or looks at
// every code.
bool IsLong(const Forest& forest, const Sources& sources) {
  std::size_t steps = 0;
  for (const Tree& tree : forest.trees) {
    for (const Node& node : tree.nodes) {
      const auto column = static_cast<std::size_t>(node.feature);
      steps += sources.ChainOf(column).steps.size() + sources.sources()[sources.SourceOf(column)].codes();
    }
  }
  return steps > kFoldStepsMax;
}

// Trees over sources.

class ForestFolder {
 public:
  ForestFolder(const Forest& forest, const Sources& sources) : forest_(forest), sources_(sources), tables_(forest.features.size()) {}

  Forest Fold() {
    Forest folded = forest_;
    folded.features.clear();
    for (std::size_t i = 0; i < sources_.sources().size(); ++i) folded.features.push_back(std::to_string(i));
    folded.float_inputs = false;
    if (!forest_.known.empty()) FoldKnown(folded);
    for (std::size_t t = 0; t < folded.trees.size(); ++t) FoldTree(forest_.trees[t], folded.trees[t]);
    return folded;
  }

 private:
  const Source& SourceOf(std::size_t column) const { return sources_.sources()[sources_.SourceOf(column)]; }

  // Categories are sets from here on; columns that are read where they are keep their known codes.
  void FoldKnown(Forest& folded) {
    folded.known.assign(folded.features.size(), {});
    for (std::size_t column = 0; column < forest_.features.size(); ++column) {
      const Source& source = SourceOf(column);
      std::vector<std::uint32_t>& known = folded.known[sources_.SourceOf(column)];
      if (source.kind == Chain::Kind::kCategory) known.assign(source.codes() / 32 + 1, 0xffffffff);
      else if (!forest_.known[column].empty()) known = forest_.known[column];
    }
  }

  void FoldTree(const Tree& tree, Tree& folded) {
    std::map<std::vector<std::uint32_t>, std::uint32_t> sets;
    folded.sets.clear();
    for (std::size_t n = 0; n < tree.nodes.size(); ++n) {
      const Node& node = tree.nodes[n];
      const auto column = static_cast<std::size_t>(node.feature);
      Node& out = folded.nodes[n];
      if (SourceOf(column).kind == Chain::Kind::kCategory) {
        out = SetNode(tree, node);
        AddSet(CodesLeft(tree, node), sets, folded, out);
      } else if (node.test == NodeTest::kMember) {
        AddSet(tree.sets[node.set], sets, folded, out);
      } else {
        out = NumberNode(tree, node);
      }
      out.feature = static_cast<std::int32_t>(sources_.SourceOf(column));
    }
  }

  static void AddSet(const std::vector<std::uint32_t>& set, std::map<std::vector<std::uint32_t>, std::uint32_t>& sets, Tree& folded, Node& out) {
    const auto [found, is_new] = sets.emplace(set, static_cast<std::uint32_t>(folded.sets.size()));
    if (is_new) folded.sets.push_back(set);
    out.set = found->second;
  }

  static Node SetNode(const Tree&, const Node& node) {
    return {.feature = 0, .left = node.left, .right = node.right, .test = NodeTest::kMember};
  }

  // Bits of the codes whose values go left.
  std::vector<std::uint32_t> CodesLeft(const Tree& tree, const Node& node) {
    const auto column = static_cast<std::size_t>(node.feature);
    std::vector<double>& table = tables_[column];
    if (table.empty()) table = sources_.Table(column);
    std::vector<std::uint32_t> bits(table.size() / 32 + 1);
    for (std::size_t code = 0; code < table.size(); ++code) {
      if (ReferenceGoesLeft(forest_, tree, node, table[code])) bits[code / 32] |= 1U << (code % 32);
    }
    return bits;
  }

  // The test of the raw number that goes the same way.
  Node NumberNode(const Tree& tree, const Node& node) {
    const Chain& chain = sources_.ChainOf(static_cast<std::size_t>(node.feature));
    const auto goes_left = [&](double raw) {
      return ReferenceGoesLeft(forest_, tree, node, sources_.chains().Map(chain, {.number = raw}).number);
    };
    Node out = node;
    out.missing_left = goes_left(std::numeric_limits<double>::quiet_NaN());
    const bool is_falling = sources_.chains().IsFalling(chain);
    const Key key{node.feature, node.threshold, node.test};
    auto [found, is_new] = thresholds_.try_emplace(key);
    if (is_new) {
      const double guess = sources_.chains().Unmap(chain, node.threshold);
      found->second = GreatestPassing([&](double raw) { return goes_left(raw) != is_falling; }, guess);
    }
    if (is_falling) {  // small numbers go right
      std::swap(out.left, out.right);
      out.missing_left = !out.missing_left;
    }
    out.test = found->second ? NodeTest::kAtMost : NodeTest::kBelow;  // below -infinity there is nothing
    out.threshold = found->second.value_or(-std::numeric_limits<double>::infinity());
    return out;
  }

  using Key = std::tuple<std::int32_t, double, NodeTest>;
  const Forest& forest_;
  const Sources& sources_;
  std::vector<std::vector<double>> tables_;  // of columns whose categories were asked for
  std::map<Key, std::optional<double>> thresholds_;
};

std::size_t BytesOf(const std::vector<Source>& sources) {
  std::size_t bytes = BlockBytes(sources.capacity() * sizeof(Source));
  for (const Source& source : sources) bytes += source.memory_bytes();
  return bytes;
}

class FusedForestKernel final : public Kernel {
 public:
  FusedForestKernel(std::vector<Source> sources, std::unique_ptr<ForestEngine> engine)
      : sources_(std::move(sources)), engine_(std::move(engine)), outputs_(engine_->outputs(Output::kRaw)) {
    for (const Source& source : sources_) categories_ += source.kind == Chain::Kind::kCategory;
  }

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    if (rows == 1 && sources_.size() <= kFewSources) {
      std::array<const double*, kFewSources> columns;
      std::array<double, kFewSources> codes;
      if (!Read(in, 1, columns.data(), codes.data())) return GiveUp();
      engine_->ScoreCells({.columns = {columns.data(), sources_.size()}, .stride = 1, .rows = 1}, Output::kRaw, {out.numbers, outputs_});
      return Ok();
    }
    std::vector<const double*> columns(sources_.size());
    std::vector<double> codes(categories_ * rows);
    if (!Read(in, rows, columns.data(), codes.data())) return GiveUp();
    engine_->ScoreColumns({.columns = columns, .stride = 1, .rows = rows}, {out.numbers, rows * outputs_});
    return Ok();
  }

  std::size_t memory_bytes() const override { return sizeof(*this) + BytesOf(sources_) + engine_->memory_bytes(); }
  const ForestEngine* forest() const override { return engine_.get(); }

 private:
  static constexpr std::size_t kFewSources = 64;

  // False when a row is refused. Numbers are read where they are.
  bool Read(std::span<const Block> in, std::size_t rows, const double** columns, double* codes) const {
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      const Source& source = sources_[s];
      const std::size_t first = source.column.column * rows;
      if (source.kind == Chain::Kind::kNumber) {
        columns[s] = in[source.block].numbers + first;
        bool accepts = true;
        for (std::size_t r = 0; r < rows; ++r) accepts = accepts && source.Accepts(columns[s][r]);
        if (!accepts) return false;
        continue;
      }
      for (std::size_t r = 0; r < rows; ++r) {
        const std::size_t code = source.CodeOf(in[source.block], first + r);
        if (source.is_refused[code]) return false;
        codes[r] = static_cast<double>(code);
      }
      columns[s] = codes;
      codes += rows;
    }
    return true;
  }

  std::vector<Source> sources_;
  std::unique_ptr<ForestEngine> engine_;
  std::size_t outputs_, categories_ = 0;
};

Result<std::optional<Fused>> FuseForest(const Plan& plan, const std::vector<Shape>& shapes, const Lineage& lineage,
                                        std::uint32_t head, const Forest& forest) {
  const std::uint32_t value = plan.stages[head].in[0];
  // A category test of a number reads it where it is: it is not monotone.
  std::vector<bool> only_categories(forest.features.size());
  for (const Tree& tree : forest.trees) {
    for (const Node& node : tree.nodes) {
      if (node.test == NodeTest::kMember) only_categories[static_cast<std::size_t>(node.feature)] = true;
    }
  }
  Sources sources(shapes, lineage, value, only_categories);
  const bool has_many = std::ranges::any_of(sources.sources(), [](const Source& source) { return source.codes() > kCodesMax; });
  if (has_many || IsLong(forest, sources) || !sources.IsWorthwhile(plan, head)) return std::nullopt;
  auto engine = SW_TRY(ForestEngine::Make(ForestFolder(forest, sources).Fold()));
  return Fused{std::make_unique<FusedForestKernel>(sources.sources(), std::move(engine)), sources.values()};
}

// Linear models over sources.

// The commonest chain of a number without a virtual call: filled, then scaled. x - 0, x / 1, x * 1 and
// x + -0 are x.
struct ShortChain {
  double fill = std::numeric_limits<double>::quiet_NaN();
  double subtract = 0, divide = 1, multiply = 1, add = -0.0;
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();

  double Map(double x) const {
    if (std::isnan(x)) x = fill;
    x = (x - subtract) / divide * multiply + add;
    if (x < low) x = low;
    return x > high ? high : x;
  }
};

double EntryOr(const std::vector<double>& list, std::size_t column, double otherwise) {
  return list.empty() ? otherwise : list[column];
}

std::optional<ShortChain> Shorten(const Plan& plan, const Chain& chain) {
  if (chain.kind != Chain::Kind::kNumber) return {};
  ShortChain brief;
  int scales = 0, fills = 0;
  for (const PlanColumn& step : chain.steps) {
    const PlanOp& op = plan.stages[step.value - plan.inputs.size()].op;
    if (std::holds_alternative<SelectOp>(op) || std::holds_alternative<RequireOp>(op)) continue;
    if (const auto* impute = std::get_if<ImputeOp>(&op); impute != nullptr && scales == 0 && fills++ == 0) {
      brief.fill = impute->numbers[step.column];
    } else if (const auto* scale = std::get_if<ScaleOp>(&op); scale != nullptr && scales++ == 0) {
      brief.subtract = EntryOr(scale->subtract, step.column, 0);
      brief.divide = EntryOr(scale->divide, step.column, 1);
      brief.multiply = EntryOr(scale->multiply, step.column, 1);
      brief.add = EntryOr(scale->add, step.column, -0.0);
      if (scale->low) brief.low = *scale->low;
      if (scale->high) brief.high = *scale->high;
    } else {
      return {};
    }
  }
  return brief;
}

// One run of the sum: a number, or all columns of a category.
struct Term {
  std::size_t source = 0;
  std::optional<ShortChain> brief;
  Chain chain;
  std::vector<double> weights;  // one an output, or codes x outputs: what the run adds
};

class FusedLinearKernel final : public Kernel {
 public:
  FusedLinearKernel(const Lineage& lineage, std::vector<Source> sources, std::vector<Term> terms, std::vector<double> intercept)
      : chains_(lineage), sources_(std::move(sources)), terms_(std::move(terms)), intercept_(std::move(intercept)) {}

  bool is_exact() const override { return false; }
  std::size_t memory_bytes() const override {
    std::size_t bytes = sizeof(*this) + BytesOf(sources_) + BlockBytes(terms_.capacity() * sizeof(Term));
    for (const Term& term : terms_) bytes += HeapBytes(term.weights) + HeapBytes(term.chain.steps);
    return bytes;
  }

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    if (rows == 1 && intercept_.size() == 1) return RunOne(in, *out.numbers) ? Ok() : GiveUp();
    for (std::size_t k = 0; k < intercept_.size(); ++k) std::fill_n(out.numbers + k * rows, rows, intercept_[k]);
    for (const Term& term : terms_) {
      const Source& source = sources_[term.source];
      const bool done = source.kind == Chain::Kind::kNumber ? AddNumbers(term, source, in, rows, out.numbers)
                                                            : AddCategories(term, source, in, rows, out.numbers);
      if (!done) return GiveUp();
    }
    return Ok();
  }

 private:
  // One row to one output: the sum stays in a register. The same operations in the same order.
  bool RunOne(std::span<const Block> in, double& out) const {
    double total = intercept_[0];
    for (const Term& term : terms_) {
      const Source& source = sources_[term.source];
      if (source.kind == Chain::Kind::kCategory) {
        const std::size_t code = source.CodeOf(in[source.block], source.column.column);
        if (source.is_refused[code]) [[unlikely]] return false;
        total += term.weights[code];
        continue;
      }
      const double number = in[source.block].numbers[source.column.column];
      if (!source.Accepts(number)) [[unlikely]] return false;
      const double x = term.brief ? term.brief->Map(number) : chains_.Map(term.chain, {.number = number}).number;
      total += 0.0 + term.weights[0] * x;
    }
    out = total;
    return true;
  }

  bool AddNumbers(const Term& term, const Source& source, std::span<const Block> in, std::size_t rows, double* totals) const {
    const double* numbers = in[source.block].numbers + source.column.column * rows;
    std::array<double, kBlockRows> mapped;
    bool accepts = true;
    for (std::size_t r = 0; r < rows; ++r) accepts = accepts && source.Accepts(numbers[r]);
    if (!accepts) return false;
    if (term.brief) {
      const ShortChain brief = *term.brief;
      for (std::size_t r = 0; r < rows; ++r) mapped[r] = brief.Map(numbers[r]);
    } else {
      for (std::size_t r = 0; r < rows; ++r) mapped[r] = chains_.Map(term.chain, {.number = numbers[r]}).number;
    }
    for (std::size_t k = 0; k < term.weights.size(); ++k) {
      for (std::size_t r = 0; r < rows; ++r) totals[k * rows + r] += 0.0 + term.weights[k] * mapped[r];
    }
    return true;
  }

  bool AddCategories(const Term& term, const Source& source, std::span<const Block> in, std::size_t rows, double* totals) const {
    const std::size_t outputs = intercept_.size(), first = source.column.column * rows;
    for (std::size_t r = 0; r < rows; ++r) {
      const std::size_t code = source.CodeOf(in[source.block], first + r);
      if (source.is_refused[code]) return false;
      for (std::size_t k = 0; k < outputs; ++k) totals[k * rows + r] += term.weights[code * outputs + k];
    }
    return true;
  }

  Chains chains_;
  std::vector<Source> sources_;
  std::vector<Term> terms_;
  std::vector<double> intercept_;
};

// What a run of category columns adds, by code and output: in column order from 0, as LinearKernel.
std::vector<double> RunTable(const LinearOp& op, const Sources& sources, std::size_t from, std::size_t end, std::size_t width) {
  const std::size_t outputs = op.intercept.size(), codes = sources.sources()[sources.SourceOf(from)].codes();
  std::vector<double> table(codes * outputs);
  for (std::size_t column = from; column < end; ++column) {
    const std::vector<double> values = sources.Table(column);
    for (std::size_t code = 0; code < codes; ++code) {
      for (std::size_t k = 0; k < outputs; ++k) table[code * outputs + k] += op.weights[k * width + column] * values[code];
    }
  }
  return table;
}

std::vector<double> WeightsOf(const LinearOp& op, std::size_t column, std::size_t width) {
  std::vector<double> weights;
  for (std::size_t k = 0; k < op.intercept.size(); ++k) weights.push_back(op.weights[k * width + column]);
  return weights;
}

std::optional<Fused> FuseLinear(const Plan& plan, const std::vector<Shape>& shapes, const Lineage& lineage,
                                std::uint32_t head, const LinearOp& op) {
  const std::uint32_t value = plan.stages[head].in[0];
  const std::size_t width = shapes[value].width;
  const Sources sources(shapes, lineage, value, {});
  if (!sources.IsWorthwhile(plan, head)) return {};
  std::vector<Term> terms;
  std::size_t from = 0, entries = 0;
  for (const std::uint32_t end : lineage.Groups(value)) {
    Term term{.source = sources.SourceOf(from), .brief = Shorten(plan, sources.ChainOf(from)), .chain = sources.ChainOf(from), .weights = {}};
    const Source& source = sources.sources()[term.source];
    const bool is_category = source.kind == Chain::Kind::kCategory;
    if (is_category && (entries += source.codes() * op.intercept.size()) > kTableEntriesMax) return {};
    term.weights = is_category ? RunTable(op, sources, from, end, width) : WeightsOf(op, from, width);
    terms.push_back(std::move(term));
    from = end;
  }
  return Fused{std::make_unique<FusedLinearKernel>(lineage, sources.sources(), std::move(terms), op.intercept), sources.values()};
}

}  // namespace

Result<std::optional<Fused>> FuseHead(const Plan& plan, const std::vector<Shape>& shapes, const Lineage& lineage,
                                      std::uint32_t head) {
  const PlanOp& op = plan.stages[head].op;
  if (const auto* forest = std::get_if<ForestOp>(&op)) return FuseForest(plan, shapes, lineage, head, forest->forest);
  if (const auto* linear = std::get_if<LinearOp>(&op)) return FuseLinear(plan, shapes, lineage, head, *linear);
  return std::nullopt;
}

}  // namespace sw::model
