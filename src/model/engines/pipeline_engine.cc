#include "model/engines/pipeline_engine.h"

#include <utility>

#include "base/errors.h"
#include "model/engines/forest_engine.h"
#include "model/engines/joint_tuning.h"
#include "model/engines/plan_explain.h"
#include "model/engines/plan_fusion.h"
#include "model/engines/plan_inputs.h"
#include "model/engines/plan_lineage.h"
#include "model/engines/plan_program.h"
#include "model/engines/plan_replay.h"
#include "model/heap_bytes.h"

namespace sw::model {

// A plan's kernels, and for each output two programs: stage by stage as the plan says, and lean.
class CompiledPlan {
 public:
  static Result<std::unique_ptr<CompiledPlan>> Make(Plan plan, const PipelineOptions& options);

  const Plan& plan() const { return plan_; }
  const Program& lean(Output output) const { return lean_[static_cast<std::size_t>(output)]; }
  std::size_t fused() const { return fused_; }
  bool is_exact() const { return is_exact_; }
  const std::vector<const ForestEngine*>& forests() const { return forests_; }
  std::size_t memory_bytes() const;
  Result<PlanExplainer> Explain() const { return PlanExplainer::Make(plan_, shapes_, lineage_, PlainSteps()); }

  // Scores a block of rows; when the lean program gives up, stage by stage.
  Status Run(std::span<const Block> inputs, std::size_t rows, Output output, Scratch& scratch, double* scores) const {
    if (lean(output).Run(inputs, rows, scratch, scores)) [[likely]] return Ok();
    return plain_[static_cast<std::size_t>(output)].Run(inputs, rows, scratch, scores);
  }

 private:
  CompiledPlan(Plan plan, std::vector<Shape> shapes)
      : plan_(std::move(plan)), shapes_(std::move(shapes)), lineage_(plan_, shapes_, kernels_) {}
  Status MakeKernels();
  std::vector<ProgramStep> PlainSteps() const;
  bool IsExact(std::uint32_t value) const;
  bool Reads(std::uint32_t value, std::uint32_t earlier) const;  // or is it
  Status CheckLean(Output output) const;
  void ForgetGolden();
  void Replace(ProgramStep& step, std::unique_ptr<const Kernel> kernel);
  Status MakePrograms(const PipelineOptions& options);

  Plan plan_;
  std::vector<Shape> shapes_;  // of all values
  std::vector<std::unique_ptr<const Kernel>> kernels_;  // one a stage
  Lineage lineage_;
  std::vector<std::unique_ptr<const Kernel>> fast_;  // of the lean programs
  std::vector<const ForestEngine*> forests_;  // in fast_; those that may be tuned
  std::size_t fused_ = 0;
  std::vector<Program> plain_, lean_;  // by Output
  bool is_exact_ = false;
};

Result<std::unique_ptr<CompiledPlan>> CompiledPlan::Make(Plan plan, const PipelineOptions& options) {
  auto shapes = SW_TRY(CheckPlan(plan));
  auto compiled = std::unique_ptr<CompiledPlan>(new CompiledPlan(std::move(plan), std::move(shapes)));
  SW_TRY(compiled->MakeKernels());
  SW_TRY(ReplayGolden(compiled->plan_, compiled->shapes_, compiled->kernels_));
  compiled->is_exact_ = compiled->IsExact(compiled->plan_.raw);
  SW_TRY(compiled->MakePrograms(options));
  SW_TRY(compiled->CheckLean(Output::kPrediction));
  if (!compiled->Reads(compiled->plan_.prediction, compiled->plan_.raw)) SW_TRY(compiled->CheckLean(Output::kRaw));
  compiled->ForgetGolden();
  return compiled;
}

Status CompiledPlan::MakeKernels() {
  for (const PlanStage& stage : plan_.stages) {
    Shape in = shapes_[stage.in[0]];
    for (std::size_t i = 1; i < stage.in.size(); ++i) in.width += shapes_[stage.in[i]].width;
    if (const auto* linear = std::get_if<LinearOp>(&stage.op)) {
      kernels_.push_back(MakeLinearKernel(*linear, lineage_.Groups(stage.in[0])));
    } else if (const auto* forest = std::get_if<ForestOp>(&stage.op)) {
      kernels_.push_back(MakeLiteralForestKernel(forest->forest));
    } else {
      kernels_.push_back(MakePlainKernel(stage.op, in));
    }
  }
  return Ok();
}

std::vector<ProgramStep> CompiledPlan::PlainSteps() const {
  std::vector<ProgramStep> steps;
  for (std::size_t i = 0; i < kernels_.size(); ++i) {
    steps.push_back({.kernel = kernels_[i].get(),
                     .in = plan_.stages[i].in,
                     .out = static_cast<std::uint32_t>(plan_.inputs.size() + i),
                     .name = plan_.stages[i].name});
  }
  return steps;
}

bool CompiledPlan::IsExact(std::uint32_t value) const {
  std::vector<bool> is_exact(plan_.inputs.size(), true);
  for (std::size_t i = 0; i < kernels_.size(); ++i) {
    bool exact = kernels_[i]->is_exact();
    for (const std::uint32_t in : plan_.stages[i].in) exact = exact && is_exact[in];
    is_exact.push_back(exact);
  }
  return is_exact[value];
}

void CompiledPlan::Replace(ProgramStep& step, std::unique_ptr<const Kernel> kernel) {
  step.kernel = kernel.get();
  if (kernel->forest() != nullptr && forests_.size() < PipelineEngine::kForestsTunedMax) forests_.push_back(kernel->forest());
  fast_.push_back(std::move(kernel));
}

Status CompiledPlan::MakePrograms(const PipelineOptions& options) {
  const std::vector<ProgramStep> plain = PlainSteps();
  std::vector<ProgramStep> lean = plain;
  for (std::size_t i = 0; options.fuse && i < lean.size(); ++i) {
    auto fused = SW_TRY(FuseHead(plan_, shapes_, lineage_, static_cast<std::uint32_t>(i)));
    if (!fused) continue;
    lean[i].in = std::move(fused->in);
    Replace(lean[i], std::move(fused->kernel));
    ++fused_;
  }
  for (std::size_t i = 0; i < lean.size(); ++i) {
    const auto* forest = std::get_if<ForestOp>(&plan_.stages[i].op);
    if (forest != nullptr && lean[i].kernel == kernels_[i].get()) Replace(lean[i], SW_TRY(MakeForestKernel(forest->forest)));
  }
  for (const std::uint32_t value : {plan_.prediction, plan_.raw}) {  // in the order of Output
    plain_.emplace_back(shapes_, plain, value);
    lean_.emplace_back(shapes_, lean, value);
  }
  return Ok();
}

bool CompiledPlan::Reads(std::uint32_t value, std::uint32_t earlier) const {
  std::vector<bool> reads(plan_.inputs.size() + plan_.stages.size());
  reads[earlier] = true;
  for (std::size_t i = 0; i < plan_.stages.size(); ++i) {
    for (const std::uint32_t in : plan_.stages[i].in) {
      if (reads[in]) reads[plan_.inputs.size() + i] = true;
    }
  }
  return reads[value];
}

// Golden rows came out stage by stage; the lean program must give the same bits.
Status CompiledPlan::CheckLean(Output output) const {
  std::vector<const data::Column*> columns;
  for (std::size_t i = 0; i < plan_.golden.num_columns(); ++i) columns.push_back(&plan_.golden.column(i));
  InputBlocks blocks(plan_.inputs, columns);
  const Program& plain = plain_[static_cast<std::size_t>(output)];
  std::vector<double> expected(plain.width()), found(plain.width());
  Scratch scratch;
  for (std::size_t r = 0; r < plan_.golden.num_rows(); ++r) {
    const std::span<const Block> row = blocks.Fill(r, 1);
    if (!plain.Run(row, 1, scratch, expected.data())) continue;
    SW_TRY(Run(row, 1, output, scratch, found.data()));
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (UlpDistance(expected[i], found[i]) == 0) continue;
      return Internal("plan: golden row {} scores {} stage by stage and {} when folded; report this", r, expected[i], found[i]);
    }
  }
  return Ok();
}

void CompiledPlan::ForgetGolden() {
  plan_.golden = {};
  for (PlanStage& stage : plan_.stages) {
    stage.golden_numbers = {};
    stage.golden_texts = {};
  }
}

// The plan once more, because a kernel keeps a copy of its constants; but a literal forest reads the plan's.
std::size_t CompiledPlan::memory_bytes() const {
  std::size_t bytes = sizeof(*this) + HeapBytes(plan_) + HeapBytes(shapes_);
  for (const PlanStage& stage : plan_.stages) {
    if (!std::holds_alternative<ForestOp>(stage.op)) bytes += HeapBytes(stage.op) + IndexBytes(stage.op);
  }
  for (const auto& kernel : fast_) bytes += kernel->memory_bytes();
  for (const Program& program : plain_) bytes += program.memory_bytes();
  for (const Program& program : lean_) bytes += program.memory_bytes();
  return bytes;
}

PipelineEngine::PipelineEngine() = default;
PipelineEngine::~PipelineEngine() = default;

Result<std::unique_ptr<PipelineEngine>> PipelineEngine::Make(Plan plan, const PipelineOptions& options) {
  auto engine = std::unique_ptr<PipelineEngine>(new PipelineEngine());
  engine->compiled_ = SW_TRY(CompiledPlan::Make(std::move(plan), options));
  for (const PlanInput& input : engine->compiled_->plan().inputs) engine->names_.push_back(input.name);
  engine->exactness_ = engine->compiled_->is_exact() ? Exactness::kExact : Exactness::kBounded;
  return engine;
}

// The plan's own golden rows, which its loading replayed stage by stage, are held to tighter bounds.
Tolerance PipelineEngine::tolerance() const {
  Tolerance tolerance{.prediction_ulps = 16};
  if (exactness_ != Exactness::kExact) tolerance = {.raw_ulps = 64, .prediction_ulps = 64, .relative = 1e-11};
  return tolerance;
}

std::size_t PipelineEngine::memory_bytes() const { return sizeof(*this) + HeapBytes(names_) + compiled_->memory_bytes(); }

std::size_t PipelineEngine::outputs(Output output) const { return compiled_->lean(output).width(); }

std::vector<std::string> PipelineEngine::output_names() const { return compiled_->plan().classes; }

bool PipelineEngine::predicts_classes() const {
  const std::size_t width = outputs(Output::kPrediction);
  return width > 1 && width == compiled_->plan().classes.size();
}

Status PipelineEngine::Score(const data::Batch& rows, Output output, std::span<double> scores) const {
  const auto columns = SW_TRY(FindPlanInputs(rows, compiled_->plan().inputs));
  InputBlocks blocks(compiled_->plan().inputs, columns);
  const std::size_t width = outputs(output), step = compiled_->lean(output).block_rows();
  Scratch scratch;
  for (std::size_t from = 0; from < rows.num_rows(); from += step) {
    const std::size_t count = std::min(step, rows.num_rows() - from);
    if (compiled_->Run(blocks.Fill(from, count), count, output, scratch, scores.data() + from * width)) continue;
    // Some row is refused: find it.
    for (std::size_t r = from; r < from + count; ++r) {
      auto done = compiled_->Run(blocks.Fill(r, 1), 1, output, scratch, scores.data() + r * width);
      if (!done) return std::unexpected(std::move(done).error().Within(fmt::format("row {}", r)));
    }
  }
  return Ok();
}

Status PipelineEngine::Contribute(const data::Batch& rows, std::span<double> contributions) const {
  const auto columns = SW_TRY(FindPlanInputs(rows, compiled_->plan().inputs));
  std::call_once(explained_once_, [&] { explainer_ = std::make_unique<const Result<PlanExplainer>>(compiled_->Explain()); });
  if (!*explainer_) return std::unexpected(explainer_->error());
  return (*explainer_)->Contribute(columns, rows.num_rows(), contributions);
}

namespace {
constexpr std::string_view kForests = "forests";  // of what Tune() answers
}  // namespace

Tuning PipelineEngine::tuning() const { return JointTuning(compiled_->forests()); }
Json PipelineEngine::Tune() const { return TuneEach(kForests, compiled_->forests()); }
Status PipelineEngine::Choose(const Json& choice) const { return ChooseEach("plan", kForests, choice, compiled_->forests()); }

Json PipelineEngine::Describe() const {
  const CompiledPlan& compiled = *compiled_;
  Json description = Json::MakeObject(
      {{"engine", "pipeline"},
       {"library", compiled.plan().library},
       {"stages", compiled.plan().stages.size()},
       {"steps", compiled.lean(Output::kPrediction).steps()},
       {"why", compiled.fused() > 0 ? "preprocessing is folded into the model" : "stage by stage, as the plan says"}});
  Json forests = Json::MakeArray();
  for (const ForestEngine* forest : compiled.forests()) forests.Append(forest->Describe());
  if (forests.size() > 0) description.Set("forests", std::move(forests));
  return description;
}

struct RowScorer::State {
  const CompiledPlan& plan;
  Output output;
  std::vector<Block> blocks;
  Scratch scratch;
};

RowScorer::RowScorer(const PipelineEngine& engine, Output output)
    : state_(std::make_unique<State>(*engine.compiled_, output, std::vector<Block>(engine.names_.size()), Scratch{})) {}
RowScorer::~RowScorer() = default;

Status RowScorer::Score(std::span<const RowCell> cells, std::span<double> scores) {
  State& state = *state_;
  for (std::size_t i = 0; i < state.blocks.size(); ++i) {
    state.blocks[i] = {.numbers = &cells[i].number, .texts = &cells[i].text, .width = 1};
  }
  return state.plan.Run(state.blocks, 1, state.output, state.scratch, scores.data());
}

}  // namespace sw::model
