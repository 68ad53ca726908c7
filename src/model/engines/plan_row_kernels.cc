// The kernel that reads all numbers of a row together.
#include <algorithm>
#include <cmath>

#include "model/engines/plan_kernel.h"
#include "model/real_math.h"

namespace sw::model {
namespace {

// The numbers of one row, `stride` apart.
struct Row {
  const double* first = nullptr;
  std::size_t width = 0, stride = 1;
  double operator[](std::size_t i) const { return first[i * stride]; }
};

double Greatest(const Row& row) {
  double greatest = row[0];
  for (std::size_t i = 1; i < row.width; ++i) greatest = std::max(greatest, row[i]);
  return greatest;
}

void Softmax(const Row& row, double* out) {
  const double greatest = Greatest(row);
  double sum = 0;
  for (std::size_t i = 0; i < row.width; ++i) {
    out[i * row.stride] = Exp(row[i] - greatest);
    sum += out[i * row.stride];
  }
  for (std::size_t i = 0; i < row.width; ++i) out[i * row.stride] /= sum;
}

void LogShare(const Row& row, double* out) {
  const double greatest = Greatest(row);
  double sum = 0;
  for (std::size_t i = 0; i < row.width; ++i) sum += Exp(row[i] - greatest);
  const double whole = greatest + Log(sum);
  for (std::size_t i = 0; i < row.width; ++i) out[i * row.stride] = Exp(row[i] - whole);
}

void Share(const Row& row, double* out) {
  double sum = 0;
  for (std::size_t i = 0; i < row.width; ++i) sum += row[i];
  for (std::size_t i = 0; i < row.width; ++i) {
    out[i * row.stride] = sum == 0 ? 1.0 / static_cast<double>(row.width) : row[i] / sum;
  }
}

double Argmax(const Row& row) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < row.width; ++i) {
    if (row[i] > row[best]) best = i;
  }
  return static_cast<double>(best);
}

double Norm(const Row& row, RowFunction function) {
  double sum = 0, greatest = 0;
  for (std::size_t i = 0; i < row.width; ++i) {
    greatest = std::max(greatest, std::fabs(row[i]));
    sum += function == RowFunction::kUnitL2 ? row[i] * row[i] : std::fabs(row[i]);
  }
  if (function == RowFunction::kUnitMax) return greatest;
  return function == RowFunction::kUnitL2 ? std::sqrt(sum) : sum;
}

void Unit(const Row& row, RowFunction function, double* out) {
  const double norm = Norm(row, function);
  for (std::size_t i = 0; i < row.width; ++i) out[i * row.stride] = norm == 0 ? row[i] : row[i] / norm;
}

// Votes of the pairs 0-1, 0-2, ..., 1-2, ...: above 0 the first of the pair. scikit-learn's
// _ovr_decision_function adds the sums of the decisions, squeezed so that they only break ties.
void Pairs(const Row& row, std::size_t classes, double* out) {
  std::vector<double> votes(classes), sums(classes);
  std::size_t pair = 0;
  for (std::size_t i = 0; i < classes; ++i) {
    for (std::size_t j = i + 1; j < classes; ++j, ++pair) {
      const double confidence = -row[pair];
      sums[i] -= confidence;
      sums[j] += confidence;
      votes[row[pair] < 0 ? j : i] += 1;
    }
  }
  for (std::size_t i = 0; i < classes; ++i) out[i * row.stride] = votes[i] + sums[i] / (3 * (std::fabs(sums[i]) + 1));
}

double PairVotes(const Row& row, std::size_t classes) {
  std::vector<int> votes(classes);
  std::size_t pair = 0;
  for (std::size_t i = 0; i < classes; ++i) {
    for (std::size_t j = i + 1; j < classes; ++j, ++pair) ++votes[row[pair] > 0 ? i : j];
  }
  return static_cast<double>(std::ranges::max_element(votes) - votes.begin());
}

class RowKernel final : public Kernel {
 public:
  RowKernel(const RowOp& op, const Shape& in) : function_(op.function), width_(in.width) {
    while (classes_ * (classes_ - 1) / 2 < width_) ++classes_;
  }

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    for (std::size_t r = 0; r < rows; ++r) Do({in[0].numbers + r, width_, rows}, out.numbers + r);
    return Ok();
  }

  bool is_exact() const override {
    return function_ == RowFunction::kArgmax || function_ == RowFunction::kUnitMax || function_ == RowFunction::kPairs ||
           function_ == RowFunction::kPairVotes;
  }
  double Bound(const Block& in, std::size_t rows, std::size_t row, std::size_t, double expected) const override {
    if (is_exact()) return 0;
    double size = static_cast<double>(width_ + 8);
    // The log of the sum is as exact as the logs are large.
    if (function_ == RowFunction::kLogShare) size += 4 * std::fabs(Greatest({in.numbers + row, width_, rows}));
    return size * kEpsilon * std::fabs(expected) + kTiny;
  }

 private:
  void Do(const Row& row, double* out) const {
    switch (function_) {
      case RowFunction::kSoftmax: return Softmax(row, out);
      case RowFunction::kLogShare: return LogShare(row, out);
      case RowFunction::kShare: return Share(row, out);
      case RowFunction::kUnitL1:
      case RowFunction::kUnitL2:
      case RowFunction::kUnitMax: return Unit(row, function_, out);
      case RowFunction::kPairs: return Pairs(row, classes_, out);
      case RowFunction::kArgmax: *out = Argmax(row); return;
      case RowFunction::kPairVotes: *out = PairVotes(row, classes_); return;
    }
  }

  RowFunction function_;
  std::size_t width_, classes_ = 2;
};

}  // namespace

std::unique_ptr<Kernel> MakeKernel(const RowOp& op, const Shape& in) { return std::make_unique<RowKernel>(op, in); }

}  // namespace sw::model
