// Kernels of models that are neither trees nor linear, and of what puts models together.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "model/engines/plan_kernel.h"

namespace sw::model {
namespace {

class BlendKernel final : public Kernel {
 public:
  BlendKernel(BlendOp op, const Shape& in) : op_(std::move(op)), width_(in.width / op_.count) {}

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    const std::size_t cells = width_ * rows;
    std::fill_n(out.numbers, cells, 0.0);
    for (std::size_t part = 0; part < op_.count; ++part) {
      const double* from = in[0].numbers + part * cells;
      for (std::size_t i = 0; i < cells; ++i) out.numbers[i] += op_.weights.empty() ? from[i] : op_.weights[part] * from[i];
    }
    for (std::size_t i = 0; i < cells; ++i) out.numbers[i] /= op_.divisor;
    return Ok();
  }

 private:
  BlendOp op_;
  std::size_t width_;
};

class GaussianKernel final : public Kernel {
 public:
  GaussianKernel(GaussianOp op, const Shape& in) : op_(std::move(op)), width_(in.width) {}

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    for (std::size_t k = 0; k < op_.priors.size(); ++k) {
      for (std::size_t r = 0; r < rows; ++r) out.numbers[k * rows + r] = op_.priors[k] - 0.5 * Distance(in[0], rows, r, k);
    }
    return Ok();
  }

  bool is_exact() const override { return false; }
  double Bound(const Block& in, std::size_t rows, std::size_t row, std::size_t column, double) const override {
    const double size = std::fabs(op_.priors[column]) + Distance(in, rows, row, column);
    return static_cast<double>(2 * width_ + 8) * kEpsilon * size + kTiny;
  }

 private:
  double Distance(const Block& in, std::size_t rows, std::size_t row, std::size_t k) const {
    double sum = 0;
    for (std::size_t c = 0; c < width_; ++c) {
      const double apart = in.numbers[c * rows + row] - op_.means[k * width_ + c];
      sum += apart * apart / op_.variances[k * width_ + c];
    }
    return sum;
  }

  GaussianOp op_;
  std::size_t width_;
};

struct Neighbor {
  double distance = 0;
  std::size_t row = 0;
  auto operator<=>(const Neighbor&) const = default;
};

class NeighborsKernel final : public Kernel {
 public:
  NeighborsKernel(NeighborsOp op, const Shape& in) : op_(std::move(op)), width_(in.width) {}

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    std::vector<Neighbor> all;
    for (std::size_t r = 0; r < rows; ++r) {
      Measure(in[0], rows, r, all);
      if (op_.classes == 0) out.numbers[r] = Mean(all);
      else Shares(all, out.numbers + r, rows);
    }
    return Ok();
  }

  bool is_exact() const override { return false; }

  // Where the next neighbor is as near as the last that counts, the library may have chosen the other.
  double Bound(const Block& in, std::size_t rows, std::size_t row, std::size_t, double expected) const override {
    std::vector<Neighbor> all;
    Measure(in, rows, row, all);
    const double last = all[op_.k - 1].distance;
    for (std::size_t i = op_.k; i < all.size(); ++i) {
      if (all[i].distance <= last * (1 + kFuzz) + kFuzz * Size(in, rows, row)) return std::numeric_limits<double>::infinity();
    }
    double greatest = op_.classes > 0 ? 1 : std::fabs(expected);
    for (std::size_t i = 0; op_.classes == 0 && i < op_.k; ++i) greatest = std::max(greatest, std::fabs(op_.targets[all[i].row]));
    return Slack(in, rows, row, all) * greatest;
  }

 private:
  static constexpr double kFuzz = 1e-7;

  double Size(const Block& in, std::size_t rows, std::size_t row) const {
    double sum = 0;
    for (std::size_t c = 0; c < width_; ++c) sum += std::fabs(in.numbers[c * rows + row]);
    return sum;
  }

  // The library takes |a|^2 - 2ab + |b|^2 for |a - b|^2: near neighbors lose digits, which 1 / distance
  // passes on; one at distance 0 may not be at 0 for it.
  double Slack(const Block& in, std::size_t rows, std::size_t row, const std::vector<Neighbor>& all) const {
    const double even = static_cast<double>(op_.k + 8) * kEpsilon;
    if (!op_.by_distance) return even;
    const double size = Size(in, rows, row), least = all[0].distance;
    if (least < kFuzz * size) return std::numeric_limits<double>::infinity();
    return even + 64 * static_cast<double>(width_ + 1) * kEpsilon * (1 + (size / least) * (size / least));
  }

  // Orders the k nearest first, then the rest in any order.
  void Measure(const Block& in, std::size_t rows, std::size_t row, std::vector<Neighbor>& all) const {
    all.resize(op_.targets.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = {.distance = Distance(in, rows, row, i), .row = i};
    const auto last = all.begin() + static_cast<std::ptrdiff_t>(op_.k);
    std::partial_sort(all.begin(), last, all.end(), [](const Neighbor& a, const Neighbor& b) {
      return a.distance < b.distance || (a.distance == b.distance && a.row < b.row);
    });
  }

  double Distance(const Block& in, std::size_t rows, std::size_t row, std::size_t other) const {
    double sum = 0, greatest = 0;
    for (std::size_t c = 0; c < width_; ++c) {
      const double apart = std::fabs(in.numbers[c * rows + row] - op_.table[other * width_ + c]);
      greatest = std::max(greatest, apart);
      sum += op_.p == 1 ? apart : apart * apart;
    }
    if (std::isnan(sum)) return std::numeric_limits<double>::infinity();
    if (std::isinf(op_.p)) return greatest;
    return op_.p == 1 ? sum : std::sqrt(sum);
  }

  // 1 / distance; with neighbors at 0, only those count.
  double Weight(const std::vector<Neighbor>& all, std::size_t i) const {
    if (!op_.by_distance) return 1;
    if (all[0].distance == 0) return all[i].distance == 0 ? 1 : 0;
    return 1 / all[i].distance;
  }

  double Mean(const std::vector<Neighbor>& all) const {
    double sum = 0, weights = 0;
    for (std::size_t i = 0; i < op_.k; ++i) {
      const double weight = Weight(all, i);
      sum += op_.targets[all[i].row] * weight;
      weights += weight;
    }
    return sum / weights;
  }

  void Shares(const std::vector<Neighbor>& all, double* out, std::size_t stride) const {
    for (std::size_t k = 0; k < op_.classes; ++k) out[k * stride] = 0;
    for (std::size_t i = 0; i < op_.k; ++i) {
      out[static_cast<std::size_t>(op_.targets[all[i].row]) * stride] += Weight(all, i);
    }
    double sum = 0;
    for (std::size_t k = 0; k < op_.classes; ++k) sum += out[k * stride];
    for (std::size_t k = 0; k < op_.classes; ++k) out[k * stride] /= sum;
  }

  NeighborsOp op_;
  std::size_t width_;
};

}  // namespace

std::unique_ptr<Kernel> MakeKernel(const BlendOp& op, const Shape& in) { return std::make_unique<BlendKernel>(op, in); }
std::unique_ptr<Kernel> MakeKernel(const GaussianOp& op, const Shape& in) { return std::make_unique<GaussianKernel>(op, in); }
std::unique_ptr<Kernel> MakeKernel(const NeighborsOp& op, const Shape& in) { return std::make_unique<NeighborsKernel>(op, in); }

}  // namespace sw::model
