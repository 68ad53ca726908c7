#include "serve/contract_check.h"

#include <limits>
#include <string>

#include "base/errors.h"

namespace sw::serve {
namespace {

constexpr std::size_t kValueBytesShown = 64;

std::string Allowed(const data::ColumnContract& column) {
  std::string text(column.nullable ? "" : "non-null ");
  text += data::TypeName(column.type);
  if (column.min) text += fmt::format(" from {}", *column.min);
  if (column.max) text += fmt::format(" to {}", *column.max);
  if (!column.categories.empty()) text += fmt::format(", one of {} known values", column.categories.size());
  return text;
}

std::string Found(const data::Batch& rows, const std::string& column, std::size_t row) {
  const data::Column* values = rows.Find(column);
  if (values == nullptr) return "no such column";
  std::string text = values->ToText(row);
  if (text.size() > kValueBytesShown) text = text.substr(0, kValueBytesShown) + "...";
  return text;
}

}  // namespace

ViolationCounters ViolationCounters::For(base::Counters& counters, std::string_view endpoint) {
  ViolationCounters found;
  for (std::size_t i = 0; i < ContractPolicy::kKinds; ++i) {
    const auto kind = std::string(data::ViolationKindName(static_cast<data::ViolationKind>(i)));
    found.by_kind[i] = &counters.Get("serve_contract_violations_total", "Values that break a package's contract.",
                                     {{"endpoint", std::string(endpoint)}, {"kind", kind}});
  }
  return found;
}

void ViolationCounters::Add(const std::vector<data::Violation>& violations) const {
  for (const data::Violation& violation : violations) by_kind[static_cast<std::size_t>(violation.kind)]->Add();
}

ContractOutcome CheckRows(const data::Contract& contract, const data::Batch& rows, const ContractPolicy& policy,
                          std::span<const std::size_t> row_numbers) {
  ContractOutcome outcome{.by_row = std::vector<std::int64_t>(rows.num_rows()), .violations = {}, .refusal = {}};
  data::CheckContract(contract, rows, std::numeric_limits<std::size_t>::max(), outcome.violations);
  const data::Violation* refused = nullptr;
  for (const data::Violation& violation : outcome.violations) {
    ++outcome.by_row[violation.row];
    if (refused == nullptr && policy.For(violation.kind) == ContractAction::kRefuse) refused = &violation;
  }
  if (refused == nullptr) return outcome;
  const data::ColumnContract& column = contract.columns[refused->column];
  outcome.refusal =
      InvalidArgument("row {}: {} in \"{}\": found {}, the model's contract is {}; this endpoint refuses it",
                      row_numbers.empty() ? refused->row : row_numbers[refused->row],
                      data::ViolationKindName(refused->kind), column.name, Found(rows, column.name, refused->row),
                      Allowed(column)).error();
  return outcome;
}

}  // namespace sw::serve
