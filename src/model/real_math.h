// Exp, Log and Sigmoid whose bits do not depend on the CPU or on libm.
//
// libm picks its variant by the CPU: 1,351 of 2,000,000 results of `exp` changed when FMA was masked.
// These use only IEEE +, -, * and / in a fixed order, without contraction. Within 1 ulp of the true
// value for normal results; below the normal range a result is rounded once more. Pure.
#pragma once

#include <span>

namespace sw::model {

// e to the x. Cody and Waite's reduction by ln 2, then the Taylor polynomial of degree 13 on
// |r| <= ln(2)/2, whose truncation is below 2^-57. NaN stays NaN; overflow gives infinity.
double Exp(double x);

// 2 to the x, by the same polynomial.
double Exp2(double x);

// Natural logarithm; -infinity at 0, NaN below it. fdlibm's e_log.c: an odd series in s = f / (2 + f).
double Log(double x);

// log(1 + x), exact near 0 (fdlibm's s_log1p.c: the rounding of 1 + x is put back).
double LogOnePlus(double x);

// 1 / (1 + e^-x), as LightGBM and XGBoost write it.
double Sigmoid(double x);
// Of each value, in place: the same bits, several at a time.
void Sigmoids(std::span<double> values);

// e^x - 1 and the hyperbolic tangent, within 4 ulp.
double ExpMinusOne(double x);
double Tanh(double x);

}  // namespace sw::model
