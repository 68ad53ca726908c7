#include "feature/parity.h"

#include <bit>

#include "base/errors.h"

namespace sw::feature {
namespace {

constexpr std::size_t kExamplesMax = 10;

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

Result<ParityReport> CompareBits(const data::Batch& requests, const data::Batch& served, const data::Batch& recomputed) {
  if (served.num_rows() != recomputed.num_rows() || requests.num_rows() != served.num_rows()) {
    return InvalidArgument("audit: {} requests, {} served rows, {} recomputed ones; give one a request",
                           requests.num_rows(), served.num_rows(), recomputed.num_rows());
  }
  ParityReport report;
  for (std::size_t i = 0; i < recomputed.num_columns(); ++i) {
    const std::string& name = recomputed.schema().fields[i].name;
    const data::Column& was = *SW_TRY(served.Get(name, "the served features"));
    const data::Column& is = recomputed.column(i);
    for (std::size_t row = 0; row < is.size(); ++row) {
      ++report.compared;
      if (SameBits(was, is, row)) continue;
      ++report.different;
      if (report.examples.size() >= kExamplesMax) continue;
      report.examples.push_back(fmt::format("{}: {} was served as {}, recomputed as {}", NameOf(requests, row), name,
                                            was.ToText(row), is.ToText(row)));
    }
  }
  return report;
}

}  // namespace sw::feature
