#include "model/link.h"

#include <algorithm>
#include <cmath>

#include "model/fast_exp.h"
#include "model/real_math.h"

namespace sw::model {
namespace {

float ExpFloat(float x) { return static_cast<float>(Exp(static_cast<double>(x))); }

// XGBoost's common::Sigmoid: clamped so that e^-x stays finite.
float SigmoidFloat(float x) { return 1.0F / (ExpFloat(std::min(-x, 88.7F)) + 1.0F + 1e-16F); }

// XGBoost's common::Softmax: exponentials in float, their sum in double.
void SoftmaxFloat(std::span<const double> raw, std::span<double> out) {
  const auto greatest = static_cast<float>(*std::max_element(raw.begin(), raw.end()));
  double sum = 0;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    out[i] = ExpFloat(static_cast<float>(raw[i]) - greatest);
    sum += out[i];
  }
  for (double& value : out) value = static_cast<float>(value) / static_cast<float>(sum);
}

// In place, as LightGBM's Common::Softmax and CatBoost's CalcSoftmax.
void SoftmaxDouble(Link link, std::span<double> values) {
  const double greatest = *std::max_element(values.begin(), values.end());
  for (double& value : values) value -= greatest;
  if (link == Link::kFastSoftmax) {
    FastExp(values);
  } else {
    for (double& value : values) value = Exp(value);
  }
  double sum = 0;
  for (const double value : values) sum += value;
  for (double& value : values) value /= sum;
}

double LinkFloat(Link link, float x) {
  switch (link) {
    case Link::kSigmoid: return SigmoidFloat(x);
    case Link::kExp: return ExpFloat(x);
    case Link::kStep: return x > 0 ? 1 : 0;
    default: return x;
  }
}

double LinkDouble(Link link, double scale, double x) {
  switch (link) {
    case Link::kSigmoid: return Sigmoid(scale * x);
    case Link::kExp: return Exp(x);
    case Link::kStep: return x > 0 ? 1 : 0;
    case Link::kLogOnePlusExp: return LogOnePlus(Exp(x));
    case Link::kSignedSquare: return std::signbit(x) ? -(x * x) : x * x;
    case Link::kIsolation: return -Exp2(-x / scale);
    default: return x;
  }
}

}  // namespace

void ApplyLink(const Forest& forest, std::span<const double> raw, std::span<double> predictions) {
  if (forest.link == Link::kArgmax) {
    predictions[0] = static_cast<double>(std::max_element(raw.begin(), raw.end()) - raw.begin());
    return;
  }
  if (forest.link == Link::kSoftmax || forest.link == Link::kFastSoftmax) {
    if (forest.float_sums) return SoftmaxFloat(raw, predictions);
    for (std::size_t i = 0; i < raw.size(); ++i) predictions[i] = raw[i] / forest.link_divisor;
    return SoftmaxDouble(forest.link, predictions);
  }
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const double x = raw[i] / forest.link_divisor;
    predictions[i] = forest.float_sums ? LinkFloat(forest.link, static_cast<float>(x))
                                       : LinkDouble(forest.link, forest.link_scale, x);
  }
}

void ApplyLinks(const Forest& forest, std::span<const double> raw, std::span<double> predictions) {
  if (forest.link == Link::kSigmoid && !forest.float_sums) {
    for (std::size_t i = 0; i < raw.size(); ++i) predictions[i] = forest.link_scale * (raw[i] / forest.link_divisor);
    return Sigmoids(predictions);
  }
  const std::size_t outputs = forest.outputs, width = PredictionCount(forest);
  for (std::size_t from = 0, to = 0; from < raw.size(); from += outputs, to += width) {
    ApplyLink(forest, raw.subspan(from, outputs), predictions.subspan(to, width));
  }
}

}  // namespace sw::model
