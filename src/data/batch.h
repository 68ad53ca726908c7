// Batch: rows of typed columns, from one request's row to a whole table.
//
//   Batch batch(Schema{{{"origin", Type::kString}, {"delay", Type::kInt64}}});
//   batch.column(0).AppendString("EWR");
//   batch.column(1).AppendNull();
//   batch.Check().value();                       // all columns have one length
//
// Columns are plain vectors with a null mask; a null's slot holds 0, NaN or "". Copyable values;
// externally synchronised. Share with shared_ptr<const Batch>.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "data/schema.h"

namespace sw::data {

class Column {
 public:
  explicit Column(Type type) : type_(type) {}
  // kFloat64 without a null.
  explicit Column(std::vector<double> values) : type_(Type::kFloat64), size_(values.size()), doubles_(std::move(values)) {}

  Type type() const { return type_; }
  std::size_t size() const { return size_; }
  bool IsNull(std::size_t row) const { return null_count_ != 0 && nulls_[row] != 0; }
  std::size_t null_count() const { return null_count_; }

  // Each requires the column's type: Int for kInt64, kTimestamp and kBool (0 or 1).
  std::int64_t Int(std::size_t row) const { return ints_[row]; }
  double Double(std::size_t row) const { return doubles_[row]; }
  std::string_view String(std::size_t row) const {
    const std::uint64_t begin = row == 0 ? 0 : ends_[row - 1];
    return std::string_view(bytes_).substr(begin, ends_[row] - begin);
  }
  // Any numeric, bool or timestamp value as a double; NaN for null and for text.
  double AsDouble(std::size_t row) const;
  // The value printed as in JSON without quotes; "null" for null. Timestamps as RFC 3339.
  std::string ToText(std::size_t row) const;
  Json ToJson(std::size_t row) const;

  std::span<const std::int64_t> ints() const { return ints_; }
  std::span<const double> doubles() const { return doubles_; }

  void Reserve(std::size_t rows);
  void AppendNull();
  void AppendInt(std::int64_t value) {  // kInt64, kTimestamp, kBool
    SW_DCHECK(type_ != Type::kFloat64 && type_ != Type::kString, "AppendInt on a column of another type");
    ints_.push_back(type_ == Type::kBool ? static_cast<std::int64_t>(value != 0) : value);
    CountValue();
  }
  void AppendBool(bool value) { AppendInt(value ? 1 : 0); }
  void AppendDouble(double value) {
    SW_DCHECK(type_ == Type::kFloat64, "AppendDouble on a column of another type");
    doubles_.push_back(value);
    CountValue();
  }
  void AppendString(std::string_view value);
  void AppendInts(std::span<const std::int64_t> values);  // none null; of kBool each 0 or 1
  void AppendDoubles(std::span<const double> values);     // none null
  void AppendFrom(const Column& other, std::size_t row);  // of the same type
  void AppendRange(const Column& other, std::size_t from, std::size_t count);
  void AppendAll(const Column& other) { AppendRange(other, 0, other.size_); }
  // Converts by the column's type: int to float64, RFC 3339 text to timestamp, ...; errors name both.
  Status AppendJson(const Json& value);
  Status AppendText(std::string_view text);  // "" is null except for kString

  bool operator==(const Column& other) const;  // same type, nulls and bits (NaN equals itself)

 private:
  void CountValue() {
    ++size_;
    if (null_count_ != 0) nulls_.push_back(0);
  }
  void CountValues(std::size_t count) {
    size_ += count;
    if (null_count_ != 0) nulls_.resize(size_, 0);
  }

  Type type_;
  std::size_t size_ = 0;
  std::size_t null_count_ = 0;
  std::vector<std::uint8_t> nulls_;  // 1: null; empty while there is none
  std::vector<std::int64_t> ints_;
  std::vector<double> doubles_;
  std::string bytes_;
  std::vector<std::uint64_t> ends_;  // kString: row i is bytes_[ends_[i - 1], ends_[i])
};

class Batch {
 public:
  Batch();
  explicit Batch(Schema schema);
  explicit Batch(std::shared_ptr<const Schema> schema);  // shared, not copied
  Batch(const Batch&) = default;
  Batch& operator=(const Batch&) = default;
  Batch(Batch&& other) noexcept;  // leaves an empty one
  Batch& operator=(Batch&& other) noexcept;
  ~Batch() = default;

  const Schema& schema() const { return *schema_; }
  const std::shared_ptr<const Schema>& shared_schema() const { return schema_; }
  std::size_t num_rows() const { return columns_.empty() ? 0 : columns_[0].size(); }
  std::size_t num_columns() const { return columns_.size(); }
  Column& column(std::size_t index) { return columns_[index]; }
  const Column& column(std::size_t index) const { return columns_[index]; }
  // NOT_FOUND with near misses; `table` goes into the message.
  Result<const Column*> Get(std::string_view name, std::string_view table = "the table") const;
  const Column* Find(std::string_view name) const;

  void AddColumn(Field field, Column column);  // of num_rows() rows, or the first
  void AppendRow(const Batch& other, std::size_t row);  // of the same schema
  void AppendAll(const Batch& other);                   // of the same schema
  Batch Take(std::span<const std::size_t> rows) const;
  Batch Slice(std::size_t from, std::size_t count) const;
  Result<Batch> Select(const std::vector<std::string>& names) const;
  void Reserve(std::size_t rows);
  // INTERNAL when columns differ in length or from the schema.
  Status Check() const;

  bool operator==(const Batch& other) const { return *schema_ == *other.schema_ && columns_ == other.columns_; }

 private:
  std::shared_ptr<const Schema> schema_;  // never null
  bool is_schema_own_ = false;            // made by a batch, so that a batch which holds it alone may change it
  std::vector<Column> columns_;
};

// A compact, self-describing binary form (versioned) for the logbook and the blobs.
std::string EncodeBatch(const Batch& batch);
void AppendEncoded(const Batch& batch, std::string& out);
Result<Batch> DecodeBatch(std::string_view bytes);  // hostile input: never crashes, bounded memory

// A canonical SHA-256 of schema and content, the same for equal batches on every machine.
std::string Fingerprint(const Batch& batch);

}  // namespace sw::data
