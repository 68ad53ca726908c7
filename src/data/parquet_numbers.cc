#include "data/parquet_numbers.h"

#include <arrow/api.h>
#include <parquet/arrow/reader.h>
#include <parquet/column_reader.h>
#include <parquet/file_reader.h>

#include <algorithm>
#include <span>
#include <type_traits>
#include <utility>

#include "base/errors.h"
#include "data/arrow_table.h"

namespace sw::data {
namespace {

// What is left of one column of a row group.
class NumberColumn {
 public:
  virtual ~NumberColumn() = default;
  virtual Result<Column> Read(std::size_t rows) = 0;
};

template <typename Physical>
class ColumnOf final : public NumberColumn {
  using Stored = typename Physical::c_type;
  using Ours = std::conditional_t<std::is_floating_point_v<Stored>, double, std::int64_t>;

 public:
  explicit ColumnOf(std::shared_ptr<parquet::ColumnReader> reader)
      : reader_(std::static_pointer_cast<parquet::TypedColumnReader<Physical>>(std::move(reader))),
        level_of_value_(reader_->descr()->max_definition_level()) {}

  Result<Column> Read(std::size_t rows) override {
    std::vector<Stored> values(rows);
    levels_.resize(rows);
    std::size_t count = 0;
    for (std::size_t row = 0; row < rows;) {
      std::int64_t more = 0;
      const std::int64_t got = reader_->ReadBatch(static_cast<std::int64_t>(rows - row), levels_.data() + row, nullptr, values.data() + count, &more);
      if (got <= 0) return InvalidArgument("column \"{}\" ends {} rows too early", reader_->descr()->name(), rows - row);
      row += static_cast<std::size_t>(got);
      count += static_cast<std::size_t>(more);
    }
    const bool has_nulls = count < rows;
    if (has_nulls && (level_of_value_ == 0 || static_cast<std::size_t>(std::ranges::count(levels_, level_of_value_)) != count)) {
      return InvalidArgument("column \"{}\" has fewer values than it says", reader_->descr()->name());
    }
    values.resize(count);
    return has_nulls ? WithNulls(AsOurs(std::move(values))) : WithoutNulls(AsOurs(std::move(values)));
  }

 private:
  static std::vector<Ours> AsOurs(std::vector<Stored> values) {
    if constexpr (std::is_same_v<Stored, Ours>) return values;
    else return {values.begin(), values.end()};
  }

  static void Append(std::span<const Ours> values, Column& column) {
    if constexpr (std::is_same_v<Ours, double>) column.AppendDoubles(values);
    else column.AppendInts(values);
  }

  static Column WithoutNulls(std::vector<Ours> values) {
    if constexpr (std::is_same_v<Ours, double>) {
      return Column(std::move(values));
    } else {
      Column column(Type::kInt64);
      Append(values, column);
      return column;
    }
  }

  // Of as many rows as there are levels.
  Column WithNulls(const std::vector<Ours>& values) const {
    Column column(std::is_same_v<Ours, double> ? Type::kFloat64 : Type::kInt64);
    column.Reserve(levels_.size());
    std::size_t taken = 0;
    const auto is_valid = [&](std::size_t row) { return levels_[row] == level_of_value_; };
    AppendBetweenNulls(levels_.size(), column, is_valid, [&](std::size_t, std::size_t count) {
      Append(std::span(values).subspan(taken, count), column);
      taken += count;
    });
    return column;
  }

  std::shared_ptr<parquet::TypedColumnReader<Physical>> reader_;
  std::int16_t level_of_value_;
  std::vector<std::int16_t> levels_;
};

Result<std::unique_ptr<NumberColumn>> MakeColumn(std::shared_ptr<parquet::ColumnReader> reader) {
  switch (reader->type()) {
    case parquet::Type::INT32: return std::make_unique<ColumnOf<parquet::Int32Type>>(std::move(reader));
    case parquet::Type::INT64: return std::make_unique<ColumnOf<parquet::Int64Type>>(std::move(reader));
    case parquet::Type::FLOAT: return std::make_unique<ColumnOf<parquet::FloatType>>(std::move(reader));
    case parquet::Type::DOUBLE: return std::make_unique<ColumnOf<parquet::DoubleType>>(std::move(reader));
    default: return Internal("a column of {} is no number", parquet::TypeToString(reader->type()));
  }
}

class NumberBlocks final : public TableReader {
 public:
  NumberBlocks(std::unique_ptr<parquet::arrow::FileReader> file, std::vector<NumberLeaf> leaves, std::uint64_t rows_max, std::size_t block_rows)
      : file_(std::move(file)), leaves_(std::move(leaves)), rows_max_(rows_max), block_rows_(static_cast<std::int64_t>(block_rows)),
        rows_total_(Metadata().num_rows()) {}

  Result<std::optional<Batch>> Next() override {
    return CatchingExceptions<std::optional<Batch>>([&]() -> Result<std::optional<Batch>> {
      while (rows_left_ == 0) {
        if (next_group_ == Metadata().num_row_groups()) return std::nullopt;
        SW_TRY(OpenGroup(next_group_++));
      }
      const std::int64_t rows = std::min(block_rows_, rows_left_);
      Batch block;
      for (std::size_t i = 0; i < leaves_.size(); ++i) block.AddColumn(leaves_[i].field, SW_TRY(columns_[i]->Read(static_cast<std::size_t>(rows))));
      rows_left_ -= rows;
      rows_read_ += rows;
      return block;
    });
  }

  double fraction() const override {
    return rows_total_ <= 0 ? 1 : static_cast<double>(rows_read_) / static_cast<double>(rows_total_);
  }

 private:
  const parquet::FileMetaData& Metadata() const { return *file_->parquet_reader()->metadata(); }

  // What a row group says of itself, the file's own number of rows need not say.
  Status OpenGroup(int number) {
    const auto group = file_->parquet_reader()->RowGroup(number);
    rows_left_ = group->metadata()->num_rows();
    if (rows_left_ < 0) return InvalidArgument("row group {} has a negative number of rows", number);
    if (static_cast<std::uint64_t>(rows_left_) > rows_max_ - static_cast<std::uint64_t>(rows_read_)) {
      return ResourceExhausted("{} rows exceed rows_max = {}", rows_read_ + rows_left_, rows_max_);
    }
    columns_.clear();
    for (const NumberLeaf& leaf : leaves_) columns_.push_back(SW_TRY(MakeColumn(group->Column(leaf.leaf))));
    return Ok();
  }

  std::unique_ptr<parquet::arrow::FileReader> file_;  // outlives columns_
  std::vector<NumberLeaf> leaves_;
  std::uint64_t rows_max_;
  std::int64_t block_rows_;
  std::int64_t rows_total_;
  std::vector<std::unique_ptr<NumberColumn>> columns_;  // of the row group before next_group_
  int next_group_ = 0;
  std::int64_t rows_left_ = 0;  // in that one
  std::int64_t rows_read_ = 0;
};

// What a column of such an Arrow type is stored as; UNDEFINED for what is no plain number.
parquet::Type::type StoredAs(arrow::Type::type type) {
  switch (type) {
    case arrow::Type::INT32: return parquet::Type::INT32;
    case arrow::Type::INT64: return parquet::Type::INT64;
    case arrow::Type::FLOAT: return parquet::Type::FLOAT;
    case arrow::Type::DOUBLE: return parquet::Type::DOUBLE;
    default: return parquet::Type::UNDEFINED;
  }
}

std::optional<NumberLeaf> FindNumber(const arrow::Schema& schema, const parquet::SchemaDescriptor& stored, const std::string& name) {
  const int field = schema.GetFieldIndex(name);
  if (field < 0) return std::nullopt;  // or two of them
  for (int leaf = 0; leaf < stored.num_columns(); ++leaf) {
    const parquet::ColumnDescriptor& column = *stored.Column(leaf);
    if (stored.GetColumnRoot(leaf)->name() != name) continue;
    const bool is_flat = stored.GetColumnRoot(leaf)->is_primitive() && column.max_repetition_level() == 0;
    if (!is_flat || column.physical_type() != StoredAs(schema.field(field)->type()->id())) return std::nullopt;
    const Type type = arrow::is_floating(schema.field(field)->type()->id()) ? Type::kFloat64 : Type::kInt64;
    return NumberLeaf{{name, type, schema.field(field)->nullable()}, leaf};
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::vector<NumberLeaf>> FindNumbers(parquet::arrow::FileReader& file, const std::vector<std::string>& columns) {
  std::shared_ptr<arrow::Schema> schema;
  if (!file.GetSchema(&schema).ok()) return std::nullopt;
  const std::vector<std::string> names = columns.empty() ? schema->field_names() : columns;
  std::vector<NumberLeaf> leaves;
  for (const std::string& name : names) {
    const bool is_new = std::ranges::none_of(leaves, [&](const NumberLeaf& known) { return known.field.name == name; });
    const auto leaf = FindNumber(*schema, *file.parquet_reader()->metadata()->schema(), name);
    if (!leaf || !is_new) return std::nullopt;
    leaves.push_back(*leaf);
  }
  if (leaves.empty()) return std::nullopt;
  return leaves;
}

std::unique_ptr<TableReader> MakeNumberBlocks(std::unique_ptr<parquet::arrow::FileReader> file, std::vector<NumberLeaf> leaves,
                                              std::uint64_t rows_max, std::size_t block_rows) {
  return std::make_unique<NumberBlocks>(std::move(file), std::move(leaves), rows_max, block_rows);
}

}  // namespace sw::data
