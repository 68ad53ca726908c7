// GaussLegendre: the rule that integrates a polynomial over [0, 1] exactly from few values.
//
//   const Quadrature rule = GaussLegendre(4);   // exact up to degree 7
//   for (i...) integral += rule.weights[i] * f(rule.points[i]);
//
// The same bits on every machine: without a function of the C library's mathematics. Pure.
#pragma once

#include <cstddef>
#include <vector>

namespace sw::model {

struct Quadrature {
  std::vector<double> points;       // ascending, inside (0, 1)
  std::vector<double> complements;  // 1 - point, to full precision
  std::vector<double> weights;      // above 0; their sum is 1
  bool operator==(const Quadrature&) const = default;
};

// `count` points, at least 1: exact up to degree 2 * count - 1.
Quadrature GaussLegendre(std::size_t count);

// How many points integrate every product of `factors` linear functions that are nowhere negative
// on [0, 1] to a relative error of less than factors * 2^-50. Half of the factors make it exact;
// beyond 56, 3.75 times the square root is enough, because such a product is a sum of Bernstein
// polynomials, whose Chebyshev coefficients fall like e^(-m^2 / factors).
std::size_t QuadraturePoints(std::size_t factors);

}  // namespace sw::model
