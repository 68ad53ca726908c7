// Scores a request's rows: each by its arm, with the live arm where a canary cannot.
//
//   const Scored scored = SW_TRY(ScoreRows(endpoint, features, arms, false));
//
// A row's score depends on its arm and its features alone, not on the rows beside it. Thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "data/batch.h"
#include "serve/live_endpoint.h"

namespace sw::serve {

// One entry a row, of `scores` one a row and output.
struct Scored {
  std::vector<double> scores;
  std::vector<std::int64_t> violations;
  std::vector<const Arm*> arms;  // that answered
  Scored Slice(std::size_t row, std::size_t rows, std::size_t outputs) const;
};

// `arms` has one a row. INVALID_ARGUMENT when the contract refuses a row: a canary's rows are
// refused by the live arm's contract, so that a candidate's narrower contract fails nobody. With
// `is_pinned` no other arm answers for a canary: its version was asked for.
Result<Scored> ScoreRows(const LiveEndpoint& endpoint, const data::Batch& features, std::vector<const Arm*> arms,
                         bool is_pinned);

// The rows' scores by one package, row-major; an empty `rows` is all of them.
Result<std::vector<double>> ScoreSome(const model::Package& package, const data::Batch& features,
                                      std::span<const std::size_t> rows);

}  // namespace sw::serve
