// Checks rows against a package's contract, counts by kind, and refuses what the endpoint's policy
// refuses.
//
// Thread-safe: only counters change.
#pragma once

#include <array>
#include <cstdint>
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
  static ViolationCounters For(base::Counters& counters, std::string_view endpoint);
};

// Violations of each row. INVALID_ARGUMENT names the first refused row (by its number in the
// request: `row_numbers`, empty when `rows` is all of it), its column, value and what is allowed.
Result<std::vector<std::int64_t>> CheckRows(const data::Contract& contract, const data::Batch& rows,
                                            const ContractPolicy& policy, std::span<const std::size_t> row_numbers,
                                            const ViolationCounters& counters);

}  // namespace sw::serve
