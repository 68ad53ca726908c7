#include "api/wire/csv_rows.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.h"

namespace sw::wire {
namespace {

constexpr std::size_t kCellsMax = 20'000;  // of a line

// Cells line by line.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {}

  std::size_t line() const { return line_; }

  // False at the end. A line without a character is none.
  Result<bool> Next(std::vector<std::string>& cells) {
    while (at_ < text_.size() && (text_[at_] == '\n' || text_[at_] == '\r')) line_ += text_[at_++] == '\n' ? 1 : 0;
    if (at_ >= text_.size()) return false;
    cells.clear();
    do {
      if (cells.size() == kCellsMax) return ResourceExhausted("line {} has more than {} cells", line_, kCellsMax);
      cells.push_back(SW_TRY(Cell()));
    } while (Takes(','));
    Takes('\r');
    if (at_ < text_.size() && !Takes('\n')) return InvalidArgument("line {}: a quoted cell goes on after its quote", line_);
    ++line_;
    return true;
  }

 private:
  bool Takes(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  Result<std::string> Cell() {
    if (!Takes('"')) {
      const std::size_t from = at_;
      at_ = std::min(text_.find_first_of(",\r\n", from), text_.size());
      return std::string(text_.substr(from, at_ - from));
    }
    std::string cell;
    for (; at_ < text_.size(); ++at_) {
      const bool is_quote = text_[at_] == '"';
      if (is_quote && !text_.substr(at_ + 1).starts_with('"')) return ++at_, cell;
      if (is_quote) ++at_;  // two are one
      cell.push_back(text_[at_]);
    }
    return InvalidArgument("line {}: a quoted cell does not end", line_);
  }

  std::string_view text_;
  std::size_t at_ = 0, line_ = 1;
};

std::unexpected<Error> WrongHeader(const data::Schema& request, std::string_view what) {
  std::vector<std::string> names;
  for (const data::Field& field : request.fields) names.push_back(field.name);
  return InvalidArgument("the header {}; the columns are {}", what, fmt::join(names, ", "));
}

// For each cell of a line, its column.
Result<std::vector<std::size_t>> PlacesOf(const data::Schema& request, const std::vector<std::string>& header) {
  std::vector<std::size_t> places;
  std::vector<bool> seen(request.fields.size());
  for (const std::string& name : header) {
    const auto place = request.Find(name);
    if (!place) return WrongHeader(request, fmt::format("names {}", name.substr(0, 64)));
    if (seen[*place]) return WrongHeader(request, fmt::format("names {} twice", name));
    seen[*place] = true;
    places.push_back(*place);
  }
  for (std::size_t c = 0; c < seen.size(); ++c) {
    if (!seen[c]) return WrongHeader(request, fmt::format("lacks {}", request.fields[c].name));
  }
  return places;
}

void AppendCell(std::string_view cell, std::string& text) {
  if (cell.find_first_of(",\"\r\n") == cell.npos) {
    text += cell;
    return;
  }
  text += '"';
  for (const char c : cell) text.append(c == '"' ? 2 : 1, c);
  text += '"';
}

}  // namespace

std::string CsvFromRows(const data::Batch& rows) {
  std::string text;
  for (std::size_t c = 0; c < rows.num_columns(); ++c) {
    if (c > 0) text += ',';
    AppendCell(rows.schema().fields[c].name, text);
  }
  text += '\n';
  for (std::size_t row = 0; row < rows.num_rows(); ++row) {
    for (std::size_t c = 0; c < rows.num_columns(); ++c) {
      if (c > 0) text += ',';
      if (!rows.column(c).IsNull(row)) AppendCell(rows.column(c).ToText(row), text);
    }
    text += '\n';
  }
  return text;
}

Result<data::Batch> RowsFromCsv(const data::Schema& request, std::string_view text, CsvHeader header) {
  Lines lines(text);
  std::vector<std::string> cells;
  std::vector<std::size_t> places(request.fields.size());
  for (std::size_t c = 0; c < places.size(); ++c) places[c] = c;
  if (header == CsvHeader::kNames) {
    if (!SW_TRY(lines.Next(cells))) return WrongHeader(request, "is missing");
    places = SW_TRY(PlacesOf(request, cells));
  }
  data::Batch rows(request);
  while (SW_TRY(lines.Next(cells))) {
    const std::size_t line = lines.line() - 1;
    if (cells.size() != places.size()) {
      return InvalidArgument("line {} has {} cells, expected {}", line, cells.size(), places.size());
    }
    for (std::size_t i = 0; i < cells.size(); ++i) {
      auto appended = rows.column(places[i]).AppendText(cells[i]);
      if (appended) continue;
      return std::unexpected(std::move(appended).error().Within(fmt::format("line {}, {}", line, request.fields[places[i]].name)));
    }
  }
  return rows;
}

}  // namespace sw::wire
