#include "cli/table.h"

#include <algorithm>

#include "base/errors.h"

namespace sw::cli {
namespace {

constexpr std::size_t kCellMax = 64;  // a package's id fits

// Follows "a.b" into objects.
const Json* Member(const Json& row, std::string_view key) {
  const Json* at = &row;
  while (at != nullptr) {
    const std::size_t dot = key.find('.');
    at = at->Find(key.substr(0, dot));
    if (dot == key.npos) return at;
    key.remove_prefix(dot + 1);
  }
  return nullptr;
}

std::string CellText(const Json& value);

// "version=2 mode=live"
std::string MembersText(const Json& object) {
  std::string text;
  for (const auto& [key, value] : object.AsObject())
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", key, CellText(value));
  return text;
}

std::string ItemsText(const Json& array) {
  std::string text;
  for (const Json& item : array.AsArray()) {
    const bool is_object = item.IsObject();
    text += fmt::format("{}{}", text.empty() ? "" : is_object ? ", " : ",", CellText(item));
  }
  return text;
}

std::string CellText(const Json& value) {
  if (value.IsString()) return value.AsString();
  if (value.IsDouble()) return fmt::format("{:.6g}", value.AsDouble());
  if (value.IsNull()) return "-";
  if (!value.IsObject() && !value.IsArray()) return value.Dump();
  if (value.size() == 0) return "-";
  return value.IsObject() ? MembersText(value) : ItemsText(value);
}

std::string Shortened(std::string text) {
  if (text.size() > kCellMax) text = text.substr(0, kCellMax - 3) + "...";
  return text;
}

// On one line.
std::string Cell(const Json* value) {
  std::string text = value == nullptr ? "-" : CellText(*value);
  std::ranges::replace(text, '\n', ' ');
  return text;
}

std::string Line(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line += fmt::format("{:<{}}", cells[i], i + 1 < cells.size() ? widths[i] + 2 : 0);
  }
  return line + "\n";
}

}  // namespace

std::string TableText(const Json::Array& rows, const std::vector<TableColumn>& columns) {
  if (rows.empty()) return "(none)\n";
  std::vector<std::vector<std::string>> lines(1);
  for (const TableColumn& column : columns) lines[0].emplace_back(column.heading);
  for (const Json& row : rows) {
    std::vector<std::string>& line = lines.emplace_back();
    for (const TableColumn& column : columns)
      line.push_back(Shortened(Cell(Member(row, column.key))));
    // Nothing stands to the right of the last one: what it says is shown whole.
    line.back() = Cell(Member(row, columns.back().key));
  }
  std::vector<std::size_t> widths(columns.size());
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::string text;
  for (const auto& line : lines) text += Line(line, widths);
  return text;
}

std::string ObjectText(const Json& object, int indent) {
  std::string text;
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  std::size_t width = 0;
  for (const auto& [key, value] : object.AsObject()) width = std::max(width, key.size());
  for (const auto& [key, value] : object.AsObject()) {
    if (value.IsObject() && value.size() > 0) {
      text += fmt::format("{}{}\n{}", margin, key, ObjectText(value, indent + 2));
    } else {
      text += fmt::format("{}{:<{}}  {}\n", margin, key, width,
                          value.IsString() ? value.AsString() : Shortened(Cell(&value)));
    }
  }
  return text;
}

}  // namespace sw::cli
