// Rows that a command line brings: as key=value words, or as a file of JSON. Inside this room only.
//
//   seaworthy predict late origin=EWR distance=1400
//   seaworthy predict late --file rows.json      (an array of objects, or one a line; - is stdin)
//
// One owner.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace CLI {
class App;
}

namespace sw::cli {

class RowsInput {
 public:
  // An array of objects. INVALID_ARGUMENT when there is nothing, or no rows in it.
  Result<Json> Read() const;

  std::vector<std::string> words;
  std::string file;
};

// Adds the words and --file to the command.
std::shared_ptr<RowsInput> AddRowsInput(CLI::App& command);

// "a=1 b=x": numbers, true, false and null by JSON's rules, anything else is text.
Result<Json> RowFromWords(const std::vector<std::string>& words);
// An array of objects, one object, or one object a line.
Result<Json> RowsFromText(std::string_view text);

}  // namespace sw::cli
