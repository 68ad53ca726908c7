#include "api/sagemaker/libsvm.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "api/sagemaker/number_rows.h"
#include "base/errors.h"

namespace sw::sagemaker {
namespace {

constexpr std::string_view kBlanks = " \t\r";

template <typename N>
bool Parse(std::string_view text, N& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

Status TakeItem(std::string_view item, bool is_first, NumberRows& rows) {
  const std::size_t colon = item.find(':');
  double value = 0;
  if (colon == item.npos) {
    if (is_first && Parse(item, value)) return Ok();  // the label
    return InvalidArgument("expected COLUMN:VALUE, found {}", item.substr(0, 64));
  }
  std::uint64_t place = 0;
  if (!Parse(item.substr(0, colon), place)) return InvalidArgument("{} is no column's place", item.substr(0, colon).substr(0, 64));
  if (!Parse(item.substr(colon + 1), value)) return InvalidArgument("column {}: {} is no number", place, item.substr(colon + 1).substr(0, 64));
  return rows.Set(place, value);
}

Status TakeLine(std::string_view line, NumberRows& rows) {
  bool is_first = true;
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
    if (line.empty()) return Ok();
    if (is_first) SW_TRY(rows.Begin());
    const std::size_t end = std::min(line.find_first_of(kBlanks), line.size());
    SW_TRY(TakeItem(line.substr(0, end), is_first, rows));
    line.remove_prefix(end);
    is_first = false;
  }
}

}  // namespace

Result<data::Batch> RowsFromLibsvm(const data::Schema& request, std::string_view text) {
  NumberRows rows(request);
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    Status taken = TakeLine(text.substr(0, end), rows);
    if (!taken) return std::unexpected(std::move(taken).error().Within(fmt::format("line {}", line)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::move(rows).Take();
}

}  // namespace sw::sagemaker
