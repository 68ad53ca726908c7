// Heads: linear models, forests and what turns a row of scores into predictions.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "model/engines/forest_engine.h"
#include "model/engines/plan_kernel.h"
#include "model/reference.h"

namespace sw::model {
namespace {

class LinearKernel final : public Kernel {
 public:
  LinearKernel(const LinearOp& op, std::vector<std::uint32_t> groups) : op_(op), groups_(std::move(groups)) {}

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    for (std::size_t k = 0; k < op_.intercept.size(); ++k) {
      double* totals = out.numbers + k * rows;
      std::fill_n(totals, rows, op_.intercept[k]);
      AddRuns(op_.weights.data() + k * in[0].width, in[0].numbers, rows, totals);
    }
    return Ok();
  }

  bool is_exact() const override { return false; }
  // Any two orders of a sum of n products are at most 2n roundings of all sizes apart.
  double Bound(const Block& in, std::size_t rows, std::size_t row, std::size_t column, double) const override {
    double size = std::fabs(op_.intercept[column]);
    for (std::size_t c = 0; c < in.width; ++c) {
      const std::size_t at = column * in.width + c;
      size += (op_.sizes.empty() ? std::fabs(op_.weights[at]) : op_.sizes[at]) * std::fabs(in.numbers[c * rows + row]);
    }
    return static_cast<double>(2 * in.width + 2 * op_.terms + 4) * kEpsilon * size + kTiny;
  }

 private:
  void AddRuns(const double* weights, const double* numbers, std::size_t rows, double* totals) const {
    std::array<double, kBlockRows> run;
    std::size_t column = 0;
    for (const std::uint32_t end : groups_) {
      std::fill_n(run.begin(), rows, 0.0);
      for (; column < end; ++column) {
        for (std::size_t r = 0; r < rows; ++r) run[r] += weights[column] * numbers[column * rows + r];
      }
      for (std::size_t r = 0; r < rows; ++r) totals[r] += run[r];
    }
  }

  LinearOp op_;
  std::vector<std::uint32_t> groups_;
};

class ForestKernel final : public Kernel {
 public:
  explicit ForestKernel(std::unique_ptr<ForestEngine> engine)
      : engine_(std::move(engine)), features_(engine_->inputs().size()), outputs_(engine_->outputs(Output::kRaw)) {}

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    std::vector<const double*> columns(features_);
    for (std::size_t c = 0; c < features_; ++c) columns[c] = in[0].numbers + c * rows;
    engine_->ScoreColumns({.columns = columns, .stride = 1, .rows = rows}, {out.numbers, rows * outputs_});
    return Ok();
  }

  std::size_t memory_bytes() const override { return sizeof(*this) + engine_->memory_bytes(); }
  const ForestEngine* forest() const override { return engine_.get(); }

 private:
  std::unique_ptr<ForestEngine> engine_;
  std::size_t features_, outputs_;
};

class LiteralForestKernel final : public Kernel {
 public:
  explicit LiteralForestKernel(const Forest& forest) : forest_(forest) {}

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    std::vector<double> row(forest_.features.size()), raw(forest_.outputs);
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < row.size(); ++c) row[c] = in[0].numbers[c * rows + r];
      ReferenceRaw(forest_, row, raw);
      for (std::size_t k = 0; k < raw.size(); ++k) out.numbers[k * rows + r] = raw[k];
    }
    return Ok();
  }

 private:
  const Forest& forest_;
};

}  // namespace

std::unique_ptr<Kernel> MakeLiteralForestKernel(const Forest& forest) { return std::make_unique<LiteralForestKernel>(forest); }

std::unique_ptr<Kernel> MakeLinearKernel(const LinearOp& op, std::vector<std::uint32_t> groups) {
  return std::make_unique<LinearKernel>(op, std::move(groups));
}

Result<std::unique_ptr<Kernel>> MakeForestKernel(const Forest& forest) {
  return std::make_unique<ForestKernel>(SW_TRY(ForestEngine::Make(forest)));
}

}  // namespace sw::model
