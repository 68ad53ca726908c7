// Kernels that bend a column: bins, power, quantile, interpolate, spline; and products of columns.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/errors.h"
#include "model/engines/plan_kernel.h"
#include "model/real_math.h"

namespace sw::model {
namespace {

class BinsKernel final : public Kernel {
 public:
  explicit BinsKernel(const BinsOp& op) : edges_(op.edges) {}

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    for (std::size_t i = 0; i < edges_.size() * rows; ++i) out.numbers[i] = BinOf(edges_[i / rows], in[0].numbers[i]);
    return Ok();
  }

  std::optional<std::uint32_t> SourceColumn(std::uint32_t column) const override { return column; }
  Cell Map(std::uint32_t column, const Cell& cell) const override { return {.number = BinOf(edges_[column], cell.number)}; }
  Monotone IsMonotone(std::uint32_t) const override { return Monotone::kRising; }

 private:
  // NaN stays NaN; the library refuses it before.
  static double BinOf(const std::vector<double>& edges, double x) {
    if (std::isnan(x)) return x;
    return static_cast<double>(std::ranges::upper_bound(edges, x) - edges.begin());
  }

  std::vector<std::vector<double>> edges_;
};

// scipy's boxcox and yeojohnson: through expm1 and log1p, which keep small results exact.
double BoxCox(double x, double lambda) {
  const double log = Log(x);
  if (std::fabs(lambda) < 1e-19) return log;
  return lambda * log < 709.78 ? ExpMinusOne(lambda * log) / lambda : std::numeric_limits<double>::infinity();
}

double YeoJohnson(double x, double lambda) {
  constexpr double kEpsilonOfDouble = std::numeric_limits<double>::epsilon();
  if (std::isnan(x)) return x;
  if (x >= 0) return std::fabs(lambda) < kEpsilonOfDouble ? LogOnePlus(x) : ExpMinusOne(lambda * LogOnePlus(x)) / lambda;
  if (std::fabs(lambda - 2) > kEpsilonOfDouble) return -ExpMinusOne((2 - lambda) * LogOnePlus(-x)) / (2 - lambda);
  return -LogOnePlus(-x);
}

class PowerKernel final : public Kernel {
 public:
  explicit PowerKernel(PowerOp op) : op_(std::move(op)) {}

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    for (std::size_t i = 0; i < op_.lambdas.size() * rows; ++i) {
      const double x = in[0].numbers[i];
      if (op_.is_box_cox && x <= 0) return InvalidArgument("column {} is {}; box-cox needs numbers above 0", i / rows, x);
      out.numbers[i] = op_.is_box_cox ? BoxCox(x, op_.lambdas[i / rows]) : YeoJohnson(x, op_.lambdas[i / rows]);
    }
    return Ok();
  }

  bool is_exact() const override { return false; }
  // expm1(a) passes on the error of its argument, as much as its slope e^a.
  double Bound(const Block& in, std::size_t rows, std::size_t row, std::size_t column, double expected) const override {
    const double x = in.numbers[column * rows + row];
    double lambda = op_.lambdas[column];
    if (!op_.is_box_cox && x < 0) lambda = 2 - lambda;
    const double log = op_.is_box_cox ? Log(x) : LogOnePlus(std::fabs(x));
    const double passed = lambda == 0 ? std::fabs(log) : std::fabs(log) * Exp(std::min(lambda * log, 709.0));
    return 8 * kEpsilon * (std::fabs(expected) + passed) + kTiny;
  }

 private:
  PowerOp op_;
};

// numpy.interp: slope * (x - x[j]) + y[j], with its care for equal points.
double NumpyInterpolate(const double* xs, const double* ys, std::size_t count, double x, double sign) {
  // With sign -1 the points are -xs and -ys backwards, as QuantileTransformer gives them.
  const auto at = [&](const double* values, std::size_t i) { return sign > 0 ? values[i] : -values[count - 1 - i]; };
  if (x < at(xs, 0)) return at(ys, 0);
  if (x > at(xs, count - 1)) return at(ys, count - 1);
  std::size_t low = 0, high = count;  // the last point that is at most x
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    (at(xs, middle) <= x ? low : high) = middle;
  }
  if (low == count - 1 || at(xs, low) == x) return at(ys, low);
  const double slope = (at(ys, low + 1) - at(ys, low)) / (at(xs, low + 1) - at(xs, low));
  return slope * (x - at(xs, low)) + at(ys, low);
}

// The normal quantile: M. J. Wichura, Algorithm AS 241, Applied Statistics 37 (1988), PPND16, for
// probabilities of at least e^-25.
double NormalQuantile(double p) {
  constexpr std::array<double, 8> kA = {3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3,
                                        1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                        3.3430575583588128105e+4, 2.5090809287301226727e+3};
  constexpr std::array<double, 8> kB = {1.0,
                                        4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
                                        2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4,
                                        5.2264952788528545610e+3};
  constexpr std::array<double, 8> kC = {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
                                        3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
                                        2.27238449892691845833e-2, 7.74545014278341407640e-4};
  constexpr std::array<double, 8> kD = {1.0,
                                        2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
                                        1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
                                        1.05075007164441684324e-9};
  const auto horner = [](const std::array<double, 8>& c, double r) {
    double value = c[7];
    for (int i = 6; i >= 0; --i) value = value * r + c[static_cast<std::size_t>(i)];
    return value;
  };
  const double q = p - 0.5;
  if (std::fabs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * horner(kA, r) / horner(kB, r);
  }
  const double r = std::sqrt(-Log(q < 0 ? p : 1 - p)) - 1.6;
  const double size = horner(kC, r) / horner(kD, r);
  return q < 0 ? -size : size;
}

class QuantileKernel final : public Kernel {
 public:
  explicit QuantileKernel(QuantileOp op) : op_(std::move(op)) {}

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    for (std::size_t i = 0; i < op_.quantiles.size() * rows; ++i) out.numbers[i] = Transformed(op_.quantiles[i / rows], in[0].numbers[i]);
    return Ok();
  }

  bool is_exact() const override { return !op_.to_normal; }
  // 1 - p loses what p near 1 has lost already: the quantile's slope there is large.
  double Bound(const Block&, std::size_t, std::size_t, std::size_t, double expected) const override {
    return op_.to_normal ? 32 * kEpsilon * std::max(1.0, std::fabs(expected)) * (expected > 1 ? Exp(expected * expected / 2) : 1) : 0;
  }

 private:
  static constexpr double kThreshold = 1e-7;            // BOUNDS_THRESHOLD
  static constexpr double kLow = -5.199337582605575;    // the normal quantiles of 1e-7 - ulp of 1,
  static constexpr double kHigh = 5.19933758270342;     // and of 1 less that

  double Transformed(const std::vector<double>& quantiles, double x) const {
    if (std::isnan(x)) return x;
    const std::size_t count = quantiles.size();
    const double slack = op_.to_normal ? kThreshold : 0;
    const bool is_low = op_.to_normal ? x - slack < quantiles.front() : x == quantiles.front();
    const bool is_high = op_.to_normal ? x + slack > quantiles.back() : x == quantiles.back();
    const double up = NumpyInterpolate(quantiles.data(), op_.references.data(), count, x, 1);
    const double down = NumpyInterpolate(quantiles.data(), op_.references.data(), count, -x, -1);
    double share = 0.5 * (up - down);
    if (is_high) share = 1;
    if (is_low) share = 0;
    if (!op_.to_normal) return share;
    if (share < kThreshold / 2) return kLow;
    return share > 1 - kThreshold / 2 ? kHigh : std::clamp(NormalQuantile(share), kLow, kHigh);
  }

  QuantileOp op_;
};

class InterpolateKernel final : public Kernel {
 public:
  explicit InterpolateKernel(const InterpolateOp& op) : curves_(op.curves) {}

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    for (std::size_t i = 0; i < curves_.size() * rows; ++i) out.numbers[i] = On(curves_[i / rows], in[0].numbers[i]);
    return Ok();
  }

 private:
  // scipy's interp1d, after scikit-learn clipped x to the curve.
  static double On(const InterpolateOp::Curve& curve, double x) {
    const std::vector<double>& xs = curve.x;
    if (std::isnan(x) || xs.size() == 1) return std::isnan(x) ? x : curve.y[0];
    x = std::clamp(x, xs.front(), xs.back());
    const auto found = static_cast<std::size_t>(std::ranges::lower_bound(xs, x) - xs.begin());
    const std::size_t high = std::clamp<std::size_t>(found, 1, xs.size() - 1), low = high - 1;
    const double slope = (curve.y[high] - curve.y[low]) / (xs[high] - xs[low]);
    return slope * (x - xs[low]) + curve.y[low];
  }

  std::vector<InterpolateOp::Curve> curves_;
};

class ProductsKernel final : public Kernel {
 public:
  explicit ProductsKernel(const ProductsOp& op) : op_(op) {}

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    for (std::size_t i = 0; i < op_.earlier.size(); ++i) {
      const double* earlier = op_.earlier[i] < 0 ? nullptr : out.numbers + static_cast<std::size_t>(op_.earlier[i]) * rows;
      const double* column = op_.column[i] < 0 ? nullptr : in[0].numbers + static_cast<std::size_t>(op_.column[i]) * rows;
      for (std::size_t r = 0; r < rows; ++r) {
        const double x = column == nullptr ? 1.0 : column[r];
        out.numbers[i * rows + r] = earlier == nullptr ? x : earlier[r] * x;
      }
    }
    return Ok();
  }

 private:
  ProductsOp op_;
};

class SplineKernel final : public Kernel {
 public:
  explicit SplineKernel(SplineOp op) : op_(std::move(op)) {}

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    std::vector<double> bases;
    std::size_t first = 0;
    for (std::size_t c = 0; c < op_.columns.size(); ++c) {
      const SplineOp::Column& column = op_.columns[c];
      for (std::size_t r = 0; r < rows; ++r) {
        const double x = in[0].numbers[c * rows + r];
        bases.assign(column.bases, 0.0);
        SW_TRY(Fill(column, x, bases));
        for (std::size_t i = 0; i < column.bases; ++i) out.numbers[(first + i) * rows + r] = bases[i];
      }
      first += column.bases;
    }
    return Ok();
  }

 private:
  Status Fill(const SplineOp::Column& column, double x, std::vector<double>& bases) const {
    if (std::isnan(x)) {
      if (op_.zero_missing) return Ok();
      std::ranges::fill(bases, x);
      return Ok();
    }
    const double low = column.knots[op_.degree], high = column.knots[column.knots.size() - 1 - op_.degree];
    switch (op_.extrapolation) {
      case Extrapolation::kError:
        if (x < low || x > high) return InvalidArgument("{} lies beyond the knots, which the library refuses", x);
        break;
      case Extrapolation::kPeriodic: {
        if (!(high - low > 0)) x = 0;
        else x = low + Remainder(x - low, high - low);
        break;
      }
      case Extrapolation::kConstant:
      case Extrapolation::kLinear:
        if (column.from <= x && x <= column.to) break;
        Extrapolate(column, x, bases);
        return Ok();
      case Extrapolation::kContinue: break;
    }
    DeBoor(column, x, bases);
    return Ok();
  }

  // Python's %: of the divisor's sign.
  static double Remainder(double x, double divisor) {
    const double rest = std::fmod(x, divisor);
    return rest != 0 && rest < 0 ? rest + divisor : rest;
  }

  void Extrapolate(const SplineOp::Column& column, double x, std::vector<double>& bases) const {
    const bool is_low = x < column.from;
    const double end = is_low ? column.from : column.to;
    const std::vector<double>& values = is_low ? column.low : column.high;
    const std::vector<double>& slopes = is_low ? column.low_slope : column.high_slope;
    const bool is_linear = op_.extrapolation == Extrapolation::kLinear;
    for (std::size_t j = 0; j < column.ends; ++j) {
      const std::size_t i = is_low ? j : bases.size() - 1 - j;
      bases[i] = is_linear ? values[i] + (x - end) * slopes[i] : values[i];
    }
  }

  // The degree + 1 bases that are not 0 (C. de Boor, A Practical Guide to Splines, chapter X).
  void DeBoor(const SplineOp::Column& column, double x, std::vector<double>& bases) const {
    const std::size_t degree = op_.degree, all = column.knots.size() - degree - 1;
    const auto after = std::upper_bound(column.knots.begin() + static_cast<std::ptrdiff_t>(degree),
                                        column.knots.begin() + static_cast<std::ptrdiff_t>(all), x);
    const auto place = static_cast<std::size_t>(after - column.knots.begin());
    const std::size_t interval = std::clamp<std::size_t>(place == 0 ? 0 : place - 1, degree, all - 1);
    std::array<double, 2 * 21> work{};
    double* value = work.data();
    double* before = value + degree + 1;
    value[0] = 1.0;
    for (std::size_t j = 1; j <= degree; ++j) {
      std::copy_n(value, j, before);
      value[0] = 0.0;
      for (std::size_t n = 1; n <= j; ++n) {
        const double right = column.knots[interval + n], left = column.knots[interval + n - j];
        value[n] = 0.0;
        if (right == left) continue;
        const double w = before[n - 1] / (right - left);
        value[n - 1] += w * (right - x);
        value[n] = w * (x - left);
      }
    }
    // Periodic splines share their last bases with the first.
    for (std::size_t a = 0; a <= degree; ++a) {
      bases[(interval + a - degree) % column.bases] += value[a];
      // scipy multiplies by a matrix of 0 and 1: 0 times infinity is no number.
      if (!std::isfinite(value[a])) std::ranges::fill(bases, std::numeric_limits<double>::quiet_NaN());
    }
  }

  SplineOp op_;
};

}  // namespace

std::unique_ptr<Kernel> MakeKernel(const BinsOp& op, const Shape&) { return std::make_unique<BinsKernel>(op); }
std::unique_ptr<Kernel> MakeKernel(const PowerOp& op, const Shape&) { return std::make_unique<PowerKernel>(op); }
std::unique_ptr<Kernel> MakeKernel(const QuantileOp& op, const Shape&) { return std::make_unique<QuantileKernel>(op); }
std::unique_ptr<Kernel> MakeKernel(const InterpolateOp& op, const Shape&) { return std::make_unique<InterpolateKernel>(op); }
std::unique_ptr<Kernel> MakeKernel(const ProductsOp& op, const Shape&) { return std::make_unique<ProductsKernel>(op); }
std::unique_ptr<Kernel> MakeKernel(const SplineOp& op, const Shape&) { return std::make_unique<SplineKernel>(op); }

}  // namespace sw::model
