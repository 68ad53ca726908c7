// LogRecord: one request's rows for one stream of the log, as bytes.
//
//   LogRecord record(kind, request.time, rows);
//   for (...) {                       // a row: its id, the values of `lead` in order, then its cells
//     record.AppendText(id);
//     record.AppendInt(version);
//     record.AppendCells(inputs, row);
//   }
//
// Whoever scores makes them, and whoever writes takes them apart: nothing of a request is kept alive, and no
// thread frees what another one allocated, a value at a time. One owner.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/batch.h"
#include "serve/interfaces.h"

namespace sw::serve {

// What all rows of a kind have: where they go, and their columns: those of `lead`, which are never null, then
// "in." + each of `inputs`, then "x." + each of `features`, then "read." + each of `read`. Immutable.
struct LogKind {
  // Without `features` they are the inputs.
  LogKind(std::string stream, data::Schema lead, data::Schema inputs = {}, const std::optional<data::Schema>& features = {},
          data::Schema read = {});

  const std::string stream;
  const data::Schema lead, inputs, features, read;
  // A row then has the cells of its inputs only, and they become both.
  const bool features_are_inputs;
  const std::shared_ptr<const data::Schema> columns;  // all, as they are logged
};

// The values of a row, each with whether it is there: the same bytes for the same values.
void AppendCells(const data::Batch& batch, std::size_t row, std::string& bytes);

class LogRecord {
 public:
  LogRecord(std::shared_ptr<const LogKind> kind, TimeUs event_time, std::size_t rows);

  void AppendInt(std::int64_t value) { AppendBytes(&value, sizeof(value)); }  // and bool
  void AppendDouble(double value) { AppendBytes(&value, sizeof(value)); }
  void AppendText(std::string_view text);
  // Of a batch with the columns of the kind's inputs, features or read.
  void AppendCells(const data::Batch& batch, std::size_t row) { serve::AppendCells(batch, row, bytes_); }

  const std::shared_ptr<const LogKind>& kind() const { return kind_; }
  std::size_t rows() const { return rows_; }
  const std::string& bytes() const { return bytes_; }

  // Where set: called once by whoever writes, when the record is on disk, or with why it is not (it may be
  // later). Must not call Flush.
  std::function<void(const Status&)> when_on_disk = {};

 private:
  void AppendBytes(const void* bytes, std::size_t size) { bytes_.append(static_cast<const char*>(bytes), size); }

  std::shared_ptr<const LogKind> kind_;
  std::size_t rows_;
  std::string bytes_;
};

// The rows of records of one kind whose bytes follow each other, in pieces of at most `rows_max` rows or one
// record.
std::vector<LoggedRows> RowsOf(const LogKind& kind, std::string_view records, std::size_t rows_max);

}  // namespace sw::serve
