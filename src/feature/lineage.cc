#include "feature/lineage.h"

#include <algorithm>

#include "base/errors.h"

namespace sw::feature {
namespace {

constexpr std::size_t kExamplesMax = 5;

LineageReport::Column Check(const data::Field& field, const data::Column& values, const std::vector<TimeUs>& moments,
                            const std::vector<TimeUs>& known) {
  LineageReport::Column report;
  report.name = field.name;
  for (std::size_t row = 0; row < values.size(); ++row) {
    if (values.IsNull(row)) continue;
    ++report.rows;
    if (known[row] <= moments[row]) continue;
    ++report.rows_too_late;
    if (report.examples.size() >= kExamplesMax) continue;
    const std::string when = known[row] == kNever ? "never known" : "known at " + base::FormatTime(known[row]);
    report.examples.push_back(fmt::format("row {}: {} = {}, used at {}, {}", row, field.name, values.ToText(row),
                                          base::FormatTime(moments[row]), when));
  }
  return report;
}

}  // namespace

bool LineageReport::Leaks() const {
  return std::any_of(columns.begin(), columns.end(), [](const Column& column) { return column.rows_too_late > 0; });
}

Result<LineageReport> CheckLineage(const data::Batch& table, const std::vector<TimeUs>& moments,
                                   const Availability& columns) {
  if (moments.size() != table.num_rows()) {
    return InvalidArgument("lineage: {} moments for {} rows; give one a row", moments.size(), table.num_rows());
  }
  for (const auto& [name, times] : columns) {
    SW_TRY(table.schema().Index(name, "the training table"));
    if (times.size() == table.num_rows()) continue;
    return InvalidArgument("lineage: {} availability times of \"{}\" for {} rows; give one a row", times.size(), name,
                           table.num_rows());
  }
  LineageReport report;
  for (std::size_t i = 0; i < table.num_columns(); ++i) {
    const data::Field& field = table.schema().fields[i];
    const auto known = columns.find(field.name);
    if (known != columns.end()) report.columns.push_back(Check(field, table.column(i), moments, known->second));
  }
  return report;
}

Result<std::vector<TimeUs>> AvailabilityOf(const data::Batch& rows) {
  const data::Column& known = *SW_TRY(rows.Get(kAvailableColumn, "the source's rows"));
  if (known.type() != data::Type::kTimestamp) {
    return InvalidArgument("{} is a timestamp, not {}", kAvailableColumn, data::TypeName(known.type()));
  }
  std::vector<TimeUs> times(known.size());
  for (std::size_t row = 0; row < times.size(); ++row) times[row] = known.IsNull(row) ? kNever : known.Int(row);
  return times;
}

}  // namespace sw::feature
