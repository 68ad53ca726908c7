#include "feature/parity.h"

#include <algorithm>
#include <bit>

#include "base/errors.h"

namespace sw::feature {
namespace {

bool SameBits(const data::Column& a, const data::Column& b, std::size_t row) {
  if (a.type() != b.type() || a.IsNull(row) != b.IsNull(row)) return false;
  if (a.IsNull(row)) return true;
  if (a.type() == data::Type::kString) return a.String(row) == b.String(row);
  if (a.type() != data::Type::kFloat64) return a.Int(row) == b.Int(row);
  return std::bit_cast<std::uint64_t>(a.Double(row)) == std::bit_cast<std::uint64_t>(b.Double(row));
}

std::string NameOf(const data::Batch& requests, std::size_t row) {
  const data::Column* id = requests.Find("id");
  return id == nullptr ? fmt::format("row {}", row) : id->ToText(row);
}

}  // namespace

Result<BitDifferences> CompareBits(const data::Batch& requests, const data::Batch& served, const data::Batch& recomputed) {
  if (served.num_rows() != recomputed.num_rows() || requests.num_rows() != served.num_rows()) {
    return InvalidArgument("audit: {} requests, {} served rows, {} recomputed ones; give one a request",
                           requests.num_rows(), served.num_rows(), recomputed.num_rows());
  }
  BitDifferences found;
  for (std::size_t i = 0; i < recomputed.num_columns(); ++i) {
    const std::string& name = recomputed.schema().fields[i].name;
    const data::Column& was = *SW_TRY(served.Get(name, "the served features"));
    const data::Column& is = recomputed.column(i);
    AuditReport::Freshness& column = found.columns.emplace_back(name, is.size(), 0);
    for (std::size_t row = 0; row < is.size(); ++row) {
      if (SameBits(was, is, row)) continue;
      ++column.changed;
      if (found.examples.size() >= AuditReport::kExamplesMax) continue;
      found.examples.push_back(fmt::format("{}: {} was served as {}, recomputed as {}", NameOf(requests, row), name,
                                            was.ToText(row), is.ToText(row)));
    }
  }
  return found;
}

std::vector<std::size_t> RowsToAudit(const ServicePlan& service, const data::Batch& read, std::size_t rows, AuditReport& report) {
  std::vector<const data::Column*> columns;
  for (const data::Field& field : service.read.fields) {
    const data::Column* const column = read.Find(field.name);
    if (column != nullptr && column->type() == field.type && column->size() == rows) columns.push_back(column);
  }
  const data::Column* const definition = read.Find(kReadDefinition);
  const bool has_all = columns.size() == service.read.fields.size();
  std::vector<std::size_t> audited;
  for (std::size_t row = 0; row < rows; ++row) {
    const bool is_named = definition != nullptr && definition->type() == data::Type::kString && !definition->IsNull(row);
    if (is_named && definition->String(row) != service.hash) {
      ++report.of_other_definition;
    } else if (!has_all || std::ranges::any_of(columns, [&](const data::Column* column) { return column->IsNull(row); })) {
      ++report.of_unknown_read;
    } else {
      audited.push_back(row);
    }
  }
  return audited;
}

}  // namespace sw::feature
