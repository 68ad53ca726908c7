#include "serve/log_record.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace sw::serve {
namespace {

constexpr std::size_t kValueBytes = 9;  // of a number and whether it is there
constexpr std::size_t kTextsBytes = 256;  // of a row: ids and names

std::shared_ptr<const data::Schema> Joined(const data::Schema& lead, const data::Schema& inputs, const data::Schema& features,
                                           const data::Schema& read) {
  auto columns = std::make_shared<data::Schema>(lead);
  for (const auto& [prefix, part] : {std::pair{"in.", &inputs}, {"x.", &features}, {"read.", &read}}) {
    for (const data::Field& field : part->fields) columns->fields.push_back({prefix + field.name, field.type, field.nullable});
  }
  return columns;
}

void AppendText(std::string_view text, std::string& bytes) {
  const auto size = static_cast<std::uint32_t>(text.size());
  bytes.append(reinterpret_cast<const char*>(&size), sizeof(size));
  bytes.append(text);
}

// Takes values off the front of bytes that a LogRecord made.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  bool empty() const { return rest_.empty(); }
  std::size_t size() const { return rest_.size(); }
  template <typename N>
  N Take() {
    N value;
    SW_DCHECK(rest_.size() >= sizeof(value), "a log record ends too early");
    std::memcpy(&value, rest_.data(), sizeof(value));
    rest_.remove_prefix(sizeof(value));
    return value;
  }
  std::string_view TakeText() {
    const auto size = Take<std::uint32_t>();
    const std::string_view text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return text;
  }
  void TakeValue(data::Column& into) {
    switch (into.type()) {
      case data::Type::kFloat64: return into.AppendDouble(Take<double>());
      case data::Type::kString: return into.AppendString(TakeText());
      default: return into.AppendInt(Take<std::int64_t>());
    }
  }
  void TakeCell(data::Column& into) { Take<bool>() ? TakeValue(into) : into.AppendNull(); }

 private:
  std::string_view rest_;
};

void TakeRow(const LogKind& kind, Reader& reader, TimeUs event_time, LoggedRows& rows) {
  rows.event_time.push_back(event_time);
  rows.id.emplace_back(reader.TakeText());
  const std::size_t leads = kind.lead.fields.size();
  const std::size_t columns = kind.columns->fields.size() - (kind.features_are_inputs ? kind.features.fields.size() : 0);
  for (std::size_t i = 0; i < leads; ++i) reader.TakeValue(rows.columns.column(i));
  for (std::size_t i = leads; i < columns; ++i) reader.TakeCell(rows.columns.column(i));
}

void Reserve(LoggedRows& rows, std::size_t count) {
  rows.event_time.reserve(count);
  rows.id.reserve(count);
  rows.columns.Reserve(count);
}

// The columns of features are empty so far.
void CopyInputs(const LogKind& kind, LoggedRows& rows) {
  const std::size_t inputs = kind.lead.fields.size(), count = kind.inputs.fields.size();
  for (std::size_t i = 0; i < count; ++i) rows.columns.column(inputs + count + i) = rows.columns.column(inputs + i);
}

}  // namespace

LogKind::LogKind(std::string to, data::Schema lead_columns, data::Schema input_columns, const std::optional<data::Schema>& feature_columns,
                 data::Schema read_columns)
    : stream(std::move(to)), lead(std::move(lead_columns)), inputs(std::move(input_columns)), features(feature_columns.value_or(inputs)),
      read(std::move(read_columns)), features_are_inputs(!feature_columns), columns(Joined(lead, inputs, features, read)) {
  SW_DCHECK(!features_are_inputs || read.fields.empty(), "inputs are not read from anywhere");
}

LogRecord::LogRecord(std::shared_ptr<const LogKind> kind, TimeUs event_time, std::size_t rows) : kind_(std::move(kind)), rows_(rows) {
  bytes_.reserve(sizeof(event_time) + sizeof(std::uint32_t) + rows * (kTextsBytes + kValueBytes * kind_->columns->fields.size()));
  AppendInt(event_time);
  const auto count = static_cast<std::uint32_t>(rows);
  AppendBytes(&count, sizeof(count));
}

void LogRecord::AppendText(std::string_view text) { serve::AppendText(text, bytes_); }

// Room for all numbers at once: a row's bytes are written on the path of each request.
void AppendCells(const data::Batch& batch, std::size_t row, std::string& bytes) {
  std::size_t at = bytes.size();
  bytes.resize(at + kValueBytes * batch.num_columns());
  const auto put = [&](const void* from, std::size_t size) {
    std::memcpy(bytes.data() + at, from, size);
    at += size;
  };
  for (std::size_t i = 0; i < batch.num_columns(); ++i) {
    const data::Column& column = batch.column(i);
    const bool is_there = !column.IsNull(row);
    bytes[at++] = static_cast<char>(is_there);
    if (!is_there) continue;
    if (column.type() == data::Type::kString) {
      const std::string_view text = column.String(row);
      const auto size = static_cast<std::uint32_t>(text.size());
      const std::size_t room_left = kValueBytes * (batch.num_columns() - i - 1);
      bytes.resize(at + sizeof(size) + text.size() + room_left);
      put(&size, sizeof(size));
      put(text.data(), text.size());
    } else if (column.type() == data::Type::kFloat64) {
      const double value = column.Double(row);
      put(&value, sizeof(value));
    } else {
      const std::int64_t value = column.Int(row);
      put(&value, sizeof(value));
    }
  }
  bytes.resize(at);
}

std::vector<LoggedRows> RowsOf(const LogKind& kind, std::string_view records, std::size_t rows_max) {
  std::vector<LoggedRows> pieces;
  Reader reader(records);
  while (!reader.empty()) {
    const std::size_t before = reader.size();
    const auto event_time = reader.Take<std::int64_t>();
    const auto rows = reader.Take<std::uint32_t>();
    if (pieces.empty() || pieces.back().num_rows() + rows > rows_max) pieces.push_back({{}, {}, data::Batch(kind.columns)});
    LoggedRows& piece = pieces.back();
    const bool is_first = piece.num_rows() == 0;
    for (std::uint32_t row = 0; row < rows; ++row) TakeRow(kind, reader, event_time, piece);
    const std::size_t record_bytes = before - reader.size();
    if (is_first) Reserve(piece, std::min(rows_max, rows + rows * reader.size() / record_bytes));  // most records are alike
  }
  if (kind.features_are_inputs) {
    for (LoggedRows& piece : pieces) CopyInputs(kind, piece);
  }
  return pieces;
}

}  // namespace sw::serve
