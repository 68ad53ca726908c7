// Checks rows against a package's contract, and refuses what the endpoint's policy refuses.
//
// Thread-safe: only counters change. Whoever answers counts, so that a value counts once.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/counters.h"
#include "base/result.h"
#include "data/batch.h"
#include "data/contract.h"
#include "serve/endpoint.h"

namespace sw::serve {

struct ViolationCounters {
  std::array<base::Counter*, ContractPolicy::kKinds> by_kind{};
  void Add(const std::vector<data::Violation>& violations) const;
  static ViolationCounters For(base::Counters& counters, std::string_view endpoint);
};

struct ContractOutcome {
  std::vector<std::int64_t> by_row;
  std::vector<data::Violation> violations;
  std::optional<Error> refusal;
};
// The refusal is INVALID_ARGUMENT and names the first refused row (by its number in the
// request: `row_numbers`, empty when `rows` is all of it), its column, value and what is allowed.
ContractOutcome CheckRows(const data::Contract& contract, const data::Batch& rows, const ContractPolicy& policy,
                          std::span<const std::size_t> row_numbers);

}  // namespace sw::serve
