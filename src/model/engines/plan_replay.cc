#include "model/engines/plan_replay.h"

#include <cmath>

#include "base/errors.h"
#include "model/engine.h"

namespace sw::model {
namespace {

// A value's cells, columns of `rows` side by side.
struct Value {
  std::vector<double> numbers;
  std::vector<std::string_view> texts;
  std::size_t width = 0;
  Block block() const { return {.numbers = numbers.data(), .texts = texts.data(), .width = width}; }
};

std::string_view TextOf(const std::optional<std::string>& text) { return text ? std::string_view(*text) : std::string_view(); }

// What the library computed (row-major), column by column; what we computed when it never had it.
Value GoldenValue(const PlanStage& stage, std::size_t rows, Value computed) {
  const std::size_t width = computed.width;
  for (std::size_t c = 0; c < width; ++c) {
    for (std::size_t r = 0; r < rows; ++r) {
      if (!stage.golden_numbers.empty()) computed.numbers[c * rows + r] = stage.golden_numbers[r * width + c];
      if (!stage.golden_texts.empty()) computed.texts[c * rows + r] = TextOf(stage.golden_texts[r * width + c]);
    }
  }
  return computed;
}

class Replay {
 public:
  Replay(const Plan& plan, const std::vector<Shape>& shapes, const std::vector<std::unique_ptr<const Kernel>>& kernels)
      : plan_(plan), shapes_(shapes), kernels_(kernels), rows_(plan.golden.num_rows()) {}

  Status Run() {
    if (rows_ == 0) return Ok();  // a plan without golden rows has no columns of them either
    ReadInputs();
    for (std::size_t i = 0; i < plan_.stages.size(); ++i) {
      const PlanStage& stage = plan_.stages[i];
      Value computed = SW_TRY(RunStage(i));
      if (!stage.golden_numbers.empty() || !stage.golden_texts.empty()) SW_TRY(Compare(i, computed));
      values_.push_back(GoldenValue(stage, rows_, std::move(computed)));
    }
    return Ok();
  }

 private:
  void ReadInputs() {
    for (std::size_t i = 0; i < plan_.inputs.size(); ++i) {
      const data::Column& column = plan_.golden.column(i);
      Value value{.numbers = {}, .texts = {}, .width = 1};
      for (std::size_t r = 0; r < rows_; ++r) {
        value.numbers.push_back(column.AsDouble(r));
        const bool is_text = column.type() == data::Type::kString && !column.IsNull(r);
        value.texts.push_back(is_text ? column.String(r) : std::string_view());
      }
      values_.push_back(std::move(value));
    }
  }

  std::string Name(std::size_t i) const {
    return fmt::format("plan: stage {} ({}, {})", i, OpName(plan_.stages[i].op), plan_.stages[i].name);
  }

  // Block by block, since kernels take no more rows at once.
  Result<Value> RunStage(std::size_t i) {
    const Shape& shape = shapes_[plan_.inputs.size() + i];
    Value out{.numbers = {}, .texts = {}, .width = shape.width};
    (shape.type == CellType::kText ? out.texts.resize(shape.width * rows_) : out.numbers.resize(shape.width * rows_));
    for (std::size_t from = 0; from < rows_; from += kBlockRows) {
      const std::size_t rows = std::min(kBlockRows, rows_ - from);
      std::vector<Value> parts;
      for (const std::uint32_t in : plan_.stages[i].in) parts.push_back(Part(values_[in], from, rows));
      std::vector<Block> blocks;
      for (const Value& part : parts) blocks.push_back(part.block());
      Value part{.numbers = std::vector<double>(out.numbers.empty() ? 0 : shape.width * rows),
                 .texts = std::vector<std::string_view>(out.texts.empty() ? 0 : shape.width * rows),
                 .width = shape.width};
      auto done = kernels_[i]->Run(blocks, rows, {.numbers = part.numbers.data(), .texts = part.texts.data()});
      if (!done) return Refused(i, done.error());
      Put(part, from, rows, out);
    }
    return out;
  }

  std::unexpected<Error> Refused(std::size_t i, const Error& error) const {
    return FailedPrecondition("{}: a golden row is refused: {}; the plan was not loaded", Name(i), error.message);
  }

  Value Part(const Value& whole, std::size_t from, std::size_t rows) const {
    Value part{.numbers = {}, .texts = {}, .width = whole.width};
    for (std::size_t c = 0; c < whole.width; ++c) {
      const auto at = static_cast<std::ptrdiff_t>(c * rows_ + from), end = at + static_cast<std::ptrdiff_t>(rows);
      if (!whole.numbers.empty()) part.numbers.insert(part.numbers.end(), whole.numbers.begin() + at, whole.numbers.begin() + end);
      if (!whole.texts.empty()) part.texts.insert(part.texts.end(), whole.texts.begin() + at, whole.texts.begin() + end);
    }
    return part;
  }

  void Put(const Value& part, std::size_t from, std::size_t rows, Value& whole) const {
    for (std::size_t c = 0; c < whole.width; ++c) {
      for (std::size_t r = 0; r < rows; ++r) {
        if (!whole.numbers.empty()) whole.numbers[c * rows_ + from + r] = part.numbers[c * rows + r];
        if (!whole.texts.empty()) whole.texts[c * rows_ + from + r] = part.texts[c * rows + r];
      }
    }
  }

  Status Compare(std::size_t i, const Value& computed) const {
    const PlanStage& stage = plan_.stages[i];
    for (std::size_t r = 0; r < rows_; ++r) {
      for (std::size_t c = 0; c < computed.width; ++c) {
        if (!stage.golden_texts.empty()) SW_TRY(CompareText(i, r, c, computed.texts[c * rows_ + r]));
        if (!stage.golden_numbers.empty()) SW_TRY(CompareNumber(i, r, c, computed.numbers[c * rows_ + r]));
      }
    }
    return Ok();
  }

  Status CompareText(std::size_t i, std::size_t r, std::size_t c, std::string_view found) const {
    const std::string_view expected = TextOf(plan_.stages[i].golden_texts[r * shapes_[plan_.inputs.size() + i].width + c]);
    if (expected == found && (expected.data() == nullptr) == (found.data() == nullptr)) return Ok();
    return Differs(i, r, c, expected, found);
  }

  Status CompareNumber(std::size_t i, std::size_t r, std::size_t c, double found) const {
    const std::size_t width = shapes_[plan_.inputs.size() + i].width;
    const double expected = plan_.stages[i].golden_numbers[r * width + c];
    if (UlpDistance(expected, found) == 0) return Ok();
    const Block in = values_[plan_.stages[i].in[0]].block();
    if (std::fabs(expected - found) <= kernels_[i]->Bound(in, rows_, r, c, expected)) return Ok();
    return Differs(i, r, c, expected, found);
  }

  template <typename T>
  Status Differs(std::size_t i, std::size_t r, std::size_t c, const T& expected, const T& found) const {
    return FailedPrecondition("{}: golden row {}, column {}: {} expects {}, this build computes {}; the plan was not loaded",
                              Name(i), r, c, plan_.library, expected, found);
  }

  const Plan& plan_;
  const std::vector<Shape>& shapes_;
  const std::vector<std::unique_ptr<const Kernel>>& kernels_;
  std::size_t rows_;
  std::vector<Value> values_;
};

}  // namespace

Status ReplayGolden(const Plan& plan, const std::vector<Shape>& shapes,
                    const std::vector<std::unique_ptr<const Kernel>>& kernels) {
  if (plan.golden.num_columns() == 0) return Ok();
  return Replay(plan, shapes, kernels).Run();
}

}  // namespace sw::model
