// FastExp: the approximate exponential that CatBoost takes softmaxes with, bit for bit.
//
//   FastExp(std::span(differences));   // in place
//
// CatBoost 1.2 calls fmath's expd (Mitsunari): 2^11 powers of two in a table, and a cubic for the
// rest; off e^x by some ulp near 0, and by hundreds of them far from it. It does so on x86; elsewhere CatBoost itself takes the system's exp.
// Ours has the same bits on every CPU. Pure.
#pragma once

#include <span>

namespace sw::model {

// As CatBoost's vector code: of each four neighbours below e^-708.396 are that; of the one to three
// that are left at the end, 0.
void FastExp(std::span<double> values);

}  // namespace sw::model
