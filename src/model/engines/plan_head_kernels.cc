// Heads: linear models, forests and what turns a row of scores into predictions.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "model/engines/forest_engine.h"
#include "model/engines/plan_kernel.h"
#include "model/real_math.h"

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
      size += std::fabs(op_.weights[column * in.width + c] * in.numbers[c * rows + row]);
    }
    return static_cast<double>(2 * in.width + 4) * kEpsilon * size + kTiny;
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
    const Cells cells{.columns = columns, .stride = 1, .rows = rows};
    if (outputs_ == 1 || rows == 1) {
      engine_->ScoreCells(cells, Output::kRaw, {out.numbers, rows * outputs_});
      return Ok();
    }
    std::vector<double> raw(rows * outputs_);  // row by row
    engine_->ScoreCells(cells, Output::kRaw, raw);
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t k = 0; k < outputs_; ++k) out.numbers[k * rows + r] = raw[r * outputs_ + k];
    }
    return Ok();
  }

 private:
  std::unique_ptr<ForestEngine> engine_;
  std::size_t features_, outputs_;
};

class RowKernel final : public Kernel {
 public:
  RowKernel(const RowOp& op, const Shape& in) : function_(op.function), width_(in.width) {}

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    for (std::size_t r = 0; r < rows; ++r) {
      const double* row = in[0].numbers + r;
      switch (function_) {
        case RowFunction::kSoftmax: Softmax(row, rows, out.numbers + r); break;
        case RowFunction::kShare: Share(row, rows, out.numbers + r); break;
        case RowFunction::kArgmax: out.numbers[r] = Argmax(row, rows); break;
      }
    }
    return Ok();
  }

  bool is_exact() const override { return function_ == RowFunction::kArgmax; }
  double Bound(const Block& in, std::size_t, std::size_t, std::size_t, double expected) const override {
    return is_exact() ? 0 : static_cast<double>(in.width + 8) * kEpsilon * std::fabs(expected) + kTiny;
  }

 private:
  void Softmax(const double* row, std::size_t stride, double* out) const {
    double greatest = row[0];
    for (std::size_t i = 1; i < width_; ++i) greatest = std::max(greatest, row[i * stride]);
    double sum = 0;
    for (std::size_t i = 0; i < width_; ++i) {
      out[i * stride] = Exp(row[i * stride] - greatest);
      sum += out[i * stride];
    }
    for (std::size_t i = 0; i < width_; ++i) out[i * stride] /= sum;
  }

  void Share(const double* row, std::size_t stride, double* out) const {
    double sum = 0;
    for (std::size_t i = 0; i < width_; ++i) sum += row[i * stride];
    for (std::size_t i = 0; i < width_; ++i) {
      out[i * stride] = sum == 0 ? 1.0 / static_cast<double>(width_) : row[i * stride] / sum;
    }
  }

  double Argmax(const double* row, std::size_t stride) const {
    std::size_t best = 0;
    for (std::size_t i = 1; i < width_; ++i) {
      if (row[i * stride] > row[best * stride]) best = i;
    }
    return static_cast<double>(best);
  }

  RowFunction function_;
  std::size_t width_;
};

}  // namespace

std::unique_ptr<Kernel> MakeLinearKernel(const LinearOp& op, std::vector<std::uint32_t> groups) {
  return std::make_unique<LinearKernel>(op, std::move(groups));
}

Result<std::unique_ptr<Kernel>> MakeForestKernel(const Forest& forest) {
  return std::make_unique<ForestKernel>(SW_TRY(ForestEngine::Make(forest)));
}

std::unique_ptr<Kernel> MakeKernel(const RowOp& op, const Shape& in) { return std::make_unique<RowKernel>(op, in); }

}  // namespace sw::model
