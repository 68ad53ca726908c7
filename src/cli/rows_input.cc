#include "cli/rows_input.h"

#include <CLI/CLI.hpp>

#include "base/errors.h"
#include "base/files.h"

namespace sw::cli {

Result<Json> RowFromWords(const std::vector<std::string>& words) {
  Json row = Json::MakeObject();
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return InvalidArgument("expected words such as origin=EWR, found {}", word);
    }
    const std::string text = word.substr(equals + 1);
    const auto parsed = Json::Parse(text);
    const bool plain = parsed && !parsed->IsArray() && !parsed->IsObject();
    row.Set(word.substr(0, equals), plain ? *parsed : Json(text));
  }
  return row;
}

Result<Json> RowsFromText(std::string_view text) {
  auto whole = Json::Parse(text);
  if (whole && whole->IsArray()) return whole;
  if (whole) return Json::MakeArray({*whole});
  Json rows = Json::MakeArray();
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::string_view one = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    if (one.find_first_not_of(" \t\r") == one.npos) continue;
    auto row = Json::Parse(one);
    // A file that is one broken document is told as that, not as broken lines.
    if (!row)
      return line == 1 ? whole
                       : Result<Json>(InvalidArgument("line {}: {}", line, row.error().message));
    rows.Append(*std::move(row));
  }
  return rows;
}

Result<Json> RowsInput::Read() const {
  if (!file.empty() && !words.empty())
    return InvalidArgument("give rows as words or as --file, not both");
  if (!words.empty()) return Json::MakeArray({SW_TRY(RowFromWords(words))});
  if (file.empty())
    return InvalidArgument("no rows: give words such as origin=EWR, or --file rows.json");
  const std::string text = SW_TRY(base::ReadFile(file == "-" ? "/dev/stdin" : file));
  Result<Json> rows = RowsFromText(text);
  if (!rows) return std::unexpected(std::move(rows).error().Within(file));
  return rows;
}

std::shared_ptr<RowsInput> AddRowsInput(CLI::App& command) {
  auto input = std::make_shared<RowsInput>();
  command.add_option_function<std::vector<std::string>>(
      "values", [input](const std::vector<std::string>& words) { input->words = words; },
      "one row: name=value ...");
  command.add_option_function<std::string>(
      "--file", [input](const std::string& file) { input->file = file; },
      "rows as JSON: an array of objects, or one a line; - is standard input");
  return input;
}

}  // namespace sw::cli
