#include "data/batch.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/errors.h"

namespace sw::data {

namespace {

const std::shared_ptr<const Schema>& EmptySchema() {
  static const auto empty = std::make_shared<const Schema>();
  return empty;
}

}  // namespace

Batch::Batch() : schema_(EmptySchema()) {}

Batch::Batch(Schema schema) : Batch(std::shared_ptr<const Schema>(std::make_shared<Schema>(std::move(schema)))) {
  is_schema_own_ = true;
}

Batch::Batch(Batch&& other) noexcept
    : schema_(std::exchange(other.schema_, EmptySchema())), is_schema_own_(std::exchange(other.is_schema_own_, false)),
      columns_(std::move(other.columns_)) {
  other.columns_.clear();
}

Batch& Batch::operator=(Batch&& other) noexcept {
  if (this == &other) return *this;
  schema_ = std::exchange(other.schema_, EmptySchema());
  is_schema_own_ = std::exchange(other.is_schema_own_, false);
  columns_ = std::move(other.columns_);
  other.columns_.clear();
  return *this;
}

Batch::Batch(std::shared_ptr<const Schema> schema) : schema_(std::move(schema)) {
  columns_.reserve(schema_->fields.size());
  for (const Field& field : schema_->fields) columns_.emplace_back(field.type);
}

Result<const Column*> Batch::Get(std::string_view name, std::string_view table) const {
  return &columns_[SW_TRY(schema_->Index(name, table))];
}

const Column* Batch::Find(std::string_view name) const {
  const auto index = schema_->Find(name);
  return index ? &columns_[*index] : nullptr;
}

void Batch::AddColumn(Field field, Column column) {
  SW_CHECK(columns_.empty() || column.size() == num_rows(), "an added column has another number of rows");
  SW_CHECK(field.type == column.type(), "an added column is of another type than its field");
  const bool may_change = is_schema_own_ && schema_.use_count() == 1;
  auto schema = may_change ? std::const_pointer_cast<Schema>(schema_) : std::make_shared<Schema>(*schema_);
  schema->fields.push_back(std::move(field));
  schema_ = std::move(schema);
  is_schema_own_ = true;
  columns_.push_back(std::move(column));
}

void Batch::AppendRow(const Batch& other, std::size_t row) {
  SW_DCHECK(other.num_columns() == num_columns(), "AppendRow from another schema");
  for (std::size_t i = 0; i < columns_.size(); ++i) columns_[i].AppendFrom(other.columns_[i], row);
}

void Batch::AppendAll(const Batch& other) {
  SW_CHECK(other.num_columns() == num_columns(), "AppendAll from another schema");
  for (std::size_t i = 0; i < columns_.size(); ++i) columns_[i].AppendAll(other.columns_[i]);
}

Batch Batch::Take(std::span<const std::size_t> rows) const {
  Batch taken(schema_);
  taken.Reserve(rows.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    for (const std::size_t row : rows) taken.columns_[i].AppendFrom(columns_[i], row);
  }
  return taken;
}

Batch Batch::Slice(std::size_t from, std::size_t count) const {
  const std::size_t begin = std::min(from, num_rows());
  const std::size_t end = begin + std::min(count, num_rows() - begin);
  Batch slice(schema_);
  slice.Reserve(end - begin);
  for (std::size_t i = 0; i < columns_.size(); ++i) slice.columns_[i].AppendRange(columns_[i], begin, end - begin);
  return slice;
}

Result<Batch> Batch::Select(const std::vector<std::string>& names) const {
  Batch selected;
  for (const std::string& name : names) {
    const std::size_t index = SW_TRY(schema_->Index(name, "the table"));
    selected.AddColumn(schema_->fields[index], columns_[index]);
  }
  return selected;
}

void Batch::Reserve(std::size_t rows) {
  for (Column& column : columns_) column.Reserve(rows);
}

Status Batch::Check() const {
  if (schema_->fields.size() != columns_.size()) {
    return Internal("batch: {} fields, {} columns", schema_->fields.size(), columns_.size());
  }
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const Field& field = schema_->fields[i];
    if (columns_[i].type() != field.type) {
      return Internal("batch: column \"{}\" holds {}, its field says {}", field.name,
                      TypeName(columns_[i].type()), TypeName(field.type));
    }
    if (columns_[i].size() != num_rows()) {
      return Internal("batch: column \"{}\" has {} rows, the first column {}", field.name, columns_[i].size(),
                      num_rows());
    }
  }
  return Ok();
}

}  // namespace sw::data
