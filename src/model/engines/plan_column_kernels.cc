// Kernels that treat each column by itself: select, impute, missing, scale, require, apply, step.
#include <algorithm>
#include <cmath>
#include <utility>

#include "base/errors.h"
#include "model/engines/plan_kernel.h"
#include "model/real_math.h"

namespace sw::model {
namespace {

bool IsMissing(double number, double missing) {
  return std::isnan(missing) ? std::isnan(number) : number == missing;
}

class SelectKernel final : public Kernel {
 public:
  SelectKernel(const SelectOp& op, const Shape& in) : type_(in.type), columns_(op.columns) {
    if (!columns_.empty()) return;
    for (std::size_t i = 0; i < in.width; ++i) columns_.push_back(static_cast<std::uint32_t>(i));
  }

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      std::size_t column = columns_[c], block = 0;
      while (column >= in[block].width) column -= in[block++].width;
      if (type_ == CellType::kNumber) std::copy_n(in[block].numbers + column * rows, rows, out.numbers + c * rows);
      if (type_ == CellType::kText) std::copy_n(in[block].texts + column * rows, rows, out.texts + c * rows);
    }
    return Ok();
  }

  std::optional<std::uint32_t> SourceColumn(std::uint32_t column) const override { return columns_[column]; }
  Monotone IsMonotone(std::uint32_t) const override { return Monotone::kRising; }
  bool KeepsPresent(std::uint32_t) const override { return true; }

 private:
  CellType type_;
  std::vector<std::uint32_t> columns_;
};

class NumberImputeKernel final : public Kernel {
 public:
  explicit NumberImputeKernel(const ImputeOp& op) : missing_(op.missing), fills_(op.numbers) {}

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    for (std::size_t c = 0; c < fills_.size(); ++c) {
      const double* from = in[0].numbers + c * rows;
      for (std::size_t r = 0; r < rows; ++r) out.numbers[c * rows + r] = Filled(c, from[r]);
    }
    return Ok();
  }

  std::optional<std::uint32_t> SourceColumn(std::uint32_t column) const override { return column; }
  Cell Map(std::uint32_t column, const Cell& cell) const override { return {.number = Filled(column, cell.number)}; }
  Monotone IsMonotone(std::uint32_t) const override { return std::isnan(missing_) ? Monotone::kRising : Monotone::kNo; }
  bool KeepsPresent(std::uint32_t) const override { return std::isnan(missing_); }

 private:
  double Filled(std::size_t column, double number) const { return IsMissing(number, missing_) ? fills_[column] : number; }

  double missing_;
  std::vector<double> fills_;
};

class TextImputeKernel final : public Kernel {
 public:
  explicit TextImputeKernel(const ImputeOp& op) : fills_(op.texts) {}

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    for (std::size_t c = 0; c < fills_.size(); ++c) {
      for (std::size_t r = 0; r < rows; ++r) out.texts[c * rows + r] = Filled(c, in[0].texts[c * rows + r]);
    }
    return Ok();
  }

  std::optional<std::uint32_t> SourceColumn(std::uint32_t column) const override { return column; }
  Cell Map(std::uint32_t column, const Cell& cell) const override { return {.text = Filled(column, cell.text)}; }
  bool KeepsPresent(std::uint32_t) const override { return true; }

 private:
  std::string_view Filled(std::size_t column, std::string_view text) const {
    return text.data() == nullptr && fills_[column] ? std::string_view(*fills_[column]) : text;
  }

  std::vector<std::optional<std::string>> fills_;
};

class MissingKernel final : public Kernel {
 public:
  MissingKernel(const MissingOp& op, const Shape& in) : type_(in.type), width_(in.width), missing_(op.missing) {}

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    for (std::size_t i = 0; i < width_ * rows; ++i) {
      out.numbers[i] = type_ == CellType::kText ? Flag(in[0].texts[i]) : Flag(in[0].numbers[i]);
    }
    return Ok();
  }

  std::optional<std::uint32_t> SourceColumn(std::uint32_t column) const override { return column; }
  Cell Map(std::uint32_t, const Cell& cell) const override {
    return {.number = type_ == CellType::kText ? Flag(cell.text) : Flag(cell.number)};
  }
  // NaN apart, where it looks for NaN, nothing is missing.
  Monotone IsMonotone(std::uint32_t) const override { return std::isnan(missing_) ? Monotone::kRising : Monotone::kNo; }
  const Categories* CategoriesOf(std::uint32_t) const override { return type_ == CellType::kText ? &none_ : nullptr; }

 private:
  double Flag(double number) const { return IsMissing(number, missing_) ? 1.0 : 0.0; }
  static double Flag(std::string_view text) { return text.data() == nullptr ? 1.0 : 0.0; }

  CellType type_;
  std::size_t width_;
  double missing_;
  Categories none_{.type = CellType::kText};
};

class ScaleKernel final : public Kernel {
 public:
  ScaleKernel(ScaleOp op, const Shape& in) : op_(std::move(op)), width_(in.width) {}

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    for (std::size_t c = 0; c < width_; ++c) {
      const double* from = in[0].numbers + c * rows;
      for (std::size_t r = 0; r < rows; ++r) out.numbers[c * rows + r] = Scaled(c, from[r]);
    }
    return Ok();
  }

  std::optional<std::uint32_t> SourceColumn(std::uint32_t column) const override { return column; }
  Cell Map(std::uint32_t column, const Cell& cell) const override { return {.number = Scaled(column, cell.number)}; }
  double Unmap(std::uint32_t column, double x) const override {
    if (!op_.add.empty()) x -= op_.add[column];
    if (!op_.multiply.empty()) x /= op_.multiply[column];
    if (!op_.divide.empty()) x *= op_.divide[column];
    return op_.subtract.empty() ? x : x + op_.subtract[column];
  }

  Monotone IsMonotone(std::uint32_t column) const override {
    const bool is_falling = (!op_.divide.empty() && op_.divide[column] < 0) !=
                            (!op_.multiply.empty() && op_.multiply[column] < 0);
    // An infinity times 0 is no number.
    if (!op_.multiply.empty() && op_.multiply[column] == 0) return Monotone::kNo;
    return is_falling ? Monotone::kFalling : Monotone::kRising;
  }

 private:
  double Scaled(std::size_t column, double x) const {
    if (!op_.subtract.empty()) x -= op_.subtract[column];
    if (!op_.divide.empty()) x /= op_.divide[column];
    if (!op_.multiply.empty()) x *= op_.multiply[column];
    if (!op_.add.empty()) x += op_.add[column];
    if (op_.low && x < *op_.low) x = *op_.low;
    if (op_.high && x > *op_.high) x = *op_.high;
    return x;
  }

  ScaleOp op_;
  std::size_t width_;
};

class RequireKernel final : public Kernel {
 public:
  RequireKernel(const RequireOp& op, const Shape& in) : op_(op), width_(in.width) {}

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    for (std::size_t i = 0; i < width_ * rows; ++i) {
      if (IsRefused(in[0].numbers[i])) {
        return InvalidArgument("column {} is {}, which the library refuses", i / rows, in[0].numbers[i]);
      }
      out.numbers[i] = in[0].numbers[i];
    }
    return Ok();
  }

  std::optional<std::uint32_t> SourceColumn(std::uint32_t column) const override { return column; }
  Cell Map(std::uint32_t, const Cell& cell) const override {
    return {.number = cell.number, .is_refused = IsRefused(cell.number)};
  }
  Monotone IsMonotone(std::uint32_t) const override { return Monotone::kRising; }
  bool CanRefuseInput(std::uint32_t) const override { return true; }

 private:
  bool IsRefused(double x) const {
    if (std::isnan(x)) return !op_.allows_missing;
    return std::isinf(op_.as_float ? static_cast<double>(static_cast<float>(x)) : x);
  }

  RequireOp op_;
  std::size_t width_;
};

double Applied(Function function, double x) {
  switch (function) {
    case Function::kSigmoid: return Sigmoid(x);
    case Function::kExp: return Exp(x);
    case Function::kLog: return Log(x);
    case Function::kTanh: return Tanh(x);
    case Function::kRelu: return x > 0 ? x : (std::isnan(x) ? x : 0.0);
    case Function::kFloat: return static_cast<double>(static_cast<float>(x));
    case Function::kLogCount: return x == 0 ? 0.0 : Log(x) + 1.0;
    case Function::kIsolation: return -Exp2(-x);
  }
  return x;
}

class ApplyKernel final : public Kernel {
 public:
  ApplyKernel(const ApplyOp& op, const Shape& in) : function_(op.function), width_(in.width) {}

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    for (std::size_t i = 0; i < width_ * rows; ++i) out.numbers[i] = Applied(function_, in[0].numbers[i]);
    return Ok();
  }

  bool is_exact() const override { return function_ == Function::kRelu || function_ == Function::kFloat; }
  double Bound(const Block&, std::size_t, std::size_t, std::size_t, double expected) const override {
    return is_exact() ? 0 : 4 * kEpsilon * std::fabs(expected) + kTiny;
  }

 private:
  Function function_;
  std::size_t width_;
};

class StepKernel final : public Kernel {
 public:
  StepKernel(const StepOp& op, const Shape& in) : op_(op), width_(in.width) {}

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    for (std::size_t i = 0; i < width_ * rows; ++i) {
      const double x = in[0].numbers[i];
      out.numbers[i] = (op_.only_above ? x > op_.threshold : x >= op_.threshold) ? 1.0 : 0.0;
    }
    return Ok();
  }

 private:
  StepOp op_;
  std::size_t width_;
};

}  // namespace

std::unique_ptr<Kernel> MakeKernel(const SelectOp& op, const Shape& in) { return std::make_unique<SelectKernel>(op, in); }

std::unique_ptr<Kernel> MakeKernel(const ImputeOp& op, const Shape& in) {
  if (in.type == CellType::kText) return std::make_unique<TextImputeKernel>(op);
  return std::make_unique<NumberImputeKernel>(op);
}

std::unique_ptr<Kernel> MakeKernel(const MissingOp& op, const Shape& in) { return std::make_unique<MissingKernel>(op, in); }
std::unique_ptr<Kernel> MakeKernel(const ScaleOp& op, const Shape& in) { return std::make_unique<ScaleKernel>(op, in); }
std::unique_ptr<Kernel> MakeKernel(const RequireOp& op, const Shape& in) { return std::make_unique<RequireKernel>(op, in); }
std::unique_ptr<Kernel> MakeKernel(const ApplyOp& op, const Shape& in) { return std::make_unique<ApplyKernel>(op, in); }
std::unique_ptr<Kernel> MakeKernel(const StepOp& op, const Shape& in) { return std::make_unique<StepKernel>(op, in); }

}  // namespace sw::model
