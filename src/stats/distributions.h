// The few distribution functions that intervals need: normal and beta.
//
// Accurate to about 1e-12 against scipy.special (distributions_test.cc). For anything that may be
// looked at more than once, prefer the anytime-valid betting.h over a quantile from here.
//
//   double z = NormalQuantile(0.975);  // 1.959964
//
// Arguments outside the stated range give NaN. Pure functions; thread-safe.
#pragma once

namespace sw::stats {

double NormalCdf(double x);

// Requires 0 < probability < 1. Wichura, "Algorithm AS 241" (1988), PPND16.
double NormalQuantile(double probability);

// The regularised incomplete beta function I_x(a, b), a and b > 0, x in [0, 1]: the distribution
// function of Beta(a, b). Continued fraction of DLMF 8.17.22, by the modified Lentz method.
double IncompleteBeta(double a, double b, double x);

// The x with IncompleteBeta(a, b, x) = probability, by bisection; probability in [0, 1].
double BetaQuantile(double a, double b, double probability);

}  // namespace sw::stats
