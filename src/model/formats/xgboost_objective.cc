#include "model/formats/xgboost_objective.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/errors.h"

namespace sw::model::xgboost {
namespace {

enum class Intercept { kMargin, kProbability, kPositive };

struct Objective {
  std::string_view name;
  Link link;
  Intercept intercept = Intercept::kMargin;
};

// PredTransform and ProbToMargin of src/objective/*.
constexpr Objective kObjectives[] = {
    {"reg:squarederror", Link::kIdentity},
    {"reg:linear", Link::kIdentity},
    {"reg:squaredlogerror", Link::kIdentity},
    {"reg:pseudohubererror", Link::kIdentity},
    {"reg:absoluteerror", Link::kIdentity},
    {"reg:quantileerror", Link::kIdentity},
    {"reg:expectileerror", Link::kIdentity},
    {"reg:logistic", Link::kSigmoid, Intercept::kProbability},
    {"reg:gamma", Link::kExp, Intercept::kPositive},
    {"reg:tweedie", Link::kExp, Intercept::kPositive},
    {"count:poisson", Link::kExp, Intercept::kPositive},
    {"survival:cox", Link::kExp, Intercept::kPositive},
    {"survival:aft", Link::kExp, Intercept::kPositive},
    {"binary:logistic", Link::kSigmoid, Intercept::kProbability},
    {"binary:logitraw", Link::kIdentity},
    {"binary:hinge", Link::kStep},
    {"multi:softmax", Link::kArgmax},
    {"multi:softprob", Link::kSoftmax},
    {"rank:pairwise", Link::kIdentity},
    {"rank:ndcg", Link::kIdentity},
    {"rank:map", Link::kIdentity},
};

Result<const Objective*> Find(std::string_view name) {
  const auto* found = std::ranges::find(kObjectives, name, &Objective::name);
  if (found != std::end(kObjectives)) return found;
  return Unimplemented("the objective {} is not read", name.substr(0, 64));
}

}  // namespace

Result<Link> LinkOf(std::string_view objective) { return SW_TRY(Find(objective))->link; }

Result<float> MarginOf(std::string_view objective, float intercept) {
  constexpr float kLeast = 1e-6F;  // kRtEps
  if (!std::isfinite(intercept)) return InvalidArgument("base_score is {}", intercept);
  switch (SW_TRY(Find(objective))->intercept) {
    case Intercept::kMargin: return intercept;
    case Intercept::kPositive:
      if (intercept > 0) return GlibcLog(intercept);
      return InvalidArgument("base_score must be above 0 for {}, found {}", objective, intercept);
    case Intercept::kProbability: break;
  }
  if (intercept < 0 || intercept > 1) {
    return InvalidArgument("base_score must be from 0 to 1 for {}, found {}", objective, intercept);
  }
  const float probability = std::min(std::max(intercept, kLeast), 1.0F - kLeast);
  return -GlibcLog(1.0F / probability - 1.0F);
}

// sysdeps/ieee754/flt-32/e_logf.c of glibc, which is ARM's optimized-routines. x is 2^k * z with z
// in a range around 1, in which one of 16 numbers 1 / c is close to 1 / z:
// log(x) = k * ln 2 + log(c) + log(z / c).
float GlibcLog(float x) {
  constexpr struct {
    double inverse, log;
  } kTable[16] = {
      {0x1.661ec79f8f3bep+0, -0x1.57bf7808caadep-2}, {0x1.571ed4aaf883dp+0, -0x1.2bef0a7c06ddbp-2},
      {0x1.49539f0f010bp+0, -0x1.01eae7f513a67p-2},  {0x1.3c995b0b80385p+0, -0x1.b31d8a68224e9p-3},
      {0x1.30d190c8864a5p+0, -0x1.6574f0ac07758p-3}, {0x1.25e227b0b8eap+0, -0x1.1aa2bc79c81p-3},
      {0x1.1bb4a4a1a343fp+0, -0x1.a4e76ce8c0e5ep-4}, {0x1.12358f08ae5bap+0, -0x1.1973c5a611cccp-4},
      {0x1.0953f419900a7p+0, -0x1.252f438e10c1ep-5}, {0x1p+0, 0x0p+0},
      {0x1.e608cfd9a47acp-1, 0x1.aa5aa5df25984p-5},  {0x1.ca4b31f026aap-1, 0x1.c5e53aa362eb4p-4},
      {0x1.b2036576afce6p-1, 0x1.526e57720db08p-3},  {0x1.9c2d163a1aa2dp-1, 0x1.bc2860d22477p-3},
      {0x1.886e6037841edp-1, 0x1.1058bc8a07ee1p-2},  {0x1.767dcf5534862p-1, 0x1.4043057b6ee09p-2}};
  constexpr double kLn2 = 0x1.62e42fefa39efp-1;
  constexpr double kA0 = -0x1.00ea348b88334p-2, kA1 = 0x1.5575b0be00b6ap-2, kA2 = -0x1.ffffef20a4123p-2;
  constexpr std::uint32_t kOffset = 0x3f330000;
  auto bits = std::bit_cast<std::uint32_t>(x);
  if (bits == 0x3f800000) return 0;
  if (bits < 0x00800000) bits = std::bit_cast<std::uint32_t>(x * 0x1p23F) - (23U << 23);  // subnormal
  const std::uint32_t shifted = bits - kOffset;
  const std::size_t place = shifted >> (23 - 4) & 15;
  const auto exponent = static_cast<std::int32_t>(shifted) >> 23;
  const double z = std::bit_cast<float>(bits - (shifted & 0xff800000U));
  const double r = z * kTable[place].inverse - 1;
  const double y0 = kTable[place].log + static_cast<double>(exponent) * kLn2;
  const double r2 = r * r;
  const double y = kA0 * r2 + (kA1 * r + kA2);
  return static_cast<float>(y * r2 + (y0 + r));
}

}  // namespace sw::model::xgboost
