#include "model/engines/graph_engine.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include "base/errors.h"
#include "model/engines/graph_program.h"
#include "model/engines/joint_tuning.h"
#include "model/heap_bytes.h"

namespace sw::model {
namespace {

constexpr std::string_view kMembers = "members";  // of what Tune() answers
// Rows scored together: what nodes keep of them stays below kGraphOutputsMax of these.
constexpr std::size_t kBlockRows = 4'096;

class GraphEngine final : public Engine {
 public:
  GraphEngine(GraphProgram program, std::string output) : program_(std::move(program)), output_(std::move(output)) {
    for (const GraphProgram::Node& node : program_.nodes) {
      const Engine* member = node.member.get();
      if (member != nullptr && std::ranges::find(members_, member) == members_.end()) members_.push_back(member);
      has_steps_ = has_steps_ || !node.steps.empty();
      may_round_ = may_round_ || has_steps_ || node.kind == GraphNode::Kind::kMean;
    }
  }

  const std::vector<std::string>& inputs() const override { return program_.inputs; }
  Exactness exactness() const override {
    Exactness weakest = may_round_ ? Exactness::kBounded : Exactness::kExact;
    for (const Engine* member : members_) weakest = std::max(weakest, member->exactness());
    return weakest;
  }
  Tolerance tolerance() const override;
  std::vector<InputProbe> Probes() const override;
  std::size_t outputs(Output) const override { return answer().width; }
  std::vector<std::string> output_names() const override { return answer().names; }
  bool predicts_classes() const override { return answer().width > 1 && answer().is_classes; }
  bool blocks() const override {
    return std::ranges::any_of(members_, [](const Engine* member) { return member->blocks(); });
  }
  // Members and, of the program, its names: the rest is a few numbers a node.
  std::size_t memory_bytes() const override {
    std::size_t bytes = sizeof(*this) + HeapBytes(program_.inputs) + program_.nodes.size() * sizeof(GraphProgram::Node);
    for (const Engine* member : members_) bytes += member->memory_bytes();
    return bytes;
  }
  Tuning tuning() const override { return JointTuning(members_); }
  Json Tune() const override { return TuneEach(kMembers, members_); }
  Status Choose(const Json& choice) const override { return ChooseEach("graph", kMembers, choice, members_); }
  Json Describe() const override;

  Status Contribute(const data::Batch&, std::span<double>) const override {
    return Unimplemented("a graph of models has no exact contributions; ask for those of a member");
  }

  Status Score(const data::Batch& rows, Output, std::span<double> scores) const override {
    const std::size_t width = answer().width, count = scores.size() / width;
    if (count <= kBlockRows) return ScoreBlock(rows, 0, scores);
    for (std::size_t from = 0; from < count; from += kBlockRows) {
      const std::size_t some = std::min(kBlockRows, count - from);
      SW_TRY(ScoreBlock(rows.num_columns() == 0 ? rows : rows.Slice(from, some), from, scores.subspan(from * width, some * width)));
    }
    return Ok();
  }

 private:
  const GraphProgram::Node& answer() const { return program_.nodes[program_.answer]; }
  Status ScoreBlock(const data::Batch& rows, std::size_t first_row, std::span<double> scores) const {
    const std::size_t count = scores.size() / answer().width;
    GraphRun run(program_, rows, count, first_row);
    std::vector<std::size_t> all(count);
    std::iota(all.begin(), all.end(), std::size_t{0});
    SW_TRY(run.Need(program_.answer, all));
    std::ranges::copy(run.values(program_.answer), scores.begin());
    return Ok();
  }

  GraphProgram program_;
  std::string output_;
  std::vector<const Engine*> members_;  // the program's, each once
  bool has_steps_ = false;
  bool may_round_ = false;  // what it computes of predictions, beyond choosing among them
};

// Of predictions that are each within their member's: means and steps round once more, and steps stretch.
// Rows that a rounding turns the other way, or stretches beyond this, are no golden rows (seaworthy_golden.py).
Tolerance GraphEngine::tolerance() const {
  Tolerance tolerance{.raw_ulps = 0, .prediction_ulps = 0};
  for (const Engine* member : members_) {
    const Tolerance each = member->tolerance();
    tolerance.prediction_ulps = std::max({tolerance.prediction_ulps, each.prediction_ulps, each.raw_ulps});
    tolerance.prediction_in_float |= each.prediction_in_float;
    tolerance.relative = std::max(tolerance.relative, each.relative);
  }
  if (may_round_) {
    tolerance.prediction_ulps = 4 * tolerance.prediction_ulps + 4;
    tolerance.relative *= 4;
  }
  if (has_steps_) tolerance.relative = std::max(tolerance.relative, tolerance.prediction_in_float ? 1e-5 : 1e-12);
  tolerance.raw_ulps = tolerance.prediction_ulps;
  return tolerance;
}

std::vector<InputProbe> GraphEngine::Probes() const {
  std::vector<InputProbe> probes(program_.inputs.size());
  for (const GraphProgram::Node& node : program_.nodes) {
    if (node.member == nullptr) continue;
    const std::vector<InputProbe> own = node.member->Probes();
    for (std::size_t i = 0; i < own.size(); ++i) {
      if (node.sources[i].node != GraphProgram::kRequest) continue;
      InputProbe& probe = probes[node.sources[i].place];
      probe.is_category |= own[i].is_category;
      probe.numbers.insert(probe.numbers.end(), own[i].numbers.begin(), own[i].numbers.end());
      probe.texts.insert(probe.texts.end(), own[i].texts.begin(), own[i].texts.end());
    }
  }
  return probes;
}

Json GraphEngine::Describe() const {
  Json members = Json::MakeObject();
  for (const GraphProgram::Node& node : program_.nodes) {
    if (node.member != nullptr) members.Set(node.name, node.member->Describe());
  }
  return Json::MakeObject({{"engine", "graph"},
                           {"why", "a declared graph of models"},
                           {"output", output_},
                           {"nodes", program_.nodes.size()},
                           {"members", std::move(members)}});
}

}  // namespace

Result<std::unique_ptr<Engine>> MakeGraphEngine(Graph graph, GraphMembers members) {
  GraphProgram program = SW_TRY(LinkGraph(graph, std::move(members)));
  return std::make_unique<GraphEngine>(std::move(program), std::move(graph.output));
}

}  // namespace sw::model
