#include "data/raw_table.h"

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/api.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <set>

#include "base/errors.h"
#include "data/limited_pool.h"
#include "data/raw_impl.h"
#include "data/schema.h"

namespace sw::data {
namespace {

using arrow::internal::checked_cast;
using Pools = std::vector<std::shared_ptr<arrow::MemoryPool>>;

constexpr std::int64_t kGrowthMax = 8;
constexpr std::int64_t kSlackBytes = 1 << 20;

RawColumn ColumnOf(const arrow::Field& field) {
  const arrow::DataType& type = *field.type();
  const bool is_timestamp = type.id() == arrow::Type::TIMESTAMP;
  return {.name = field.name(),
          .type = type.ToString(),
          .is_time = is_timestamp || type.id() == arrow::Type::DATE32 || type.id() == arrow::Type::DATE64,
          .is_nanos = is_timestamp && checked_cast<const arrow::TimestampType&>(type).unit() == arrow::TimeUnit::NANO};
}

Result<std::shared_ptr<arrow::Table>> InOneChunk(const std::shared_ptr<arrow::Table>& table) {
  const auto& columns = table->columns();
  if (std::ranges::all_of(columns, [](const auto& column) { return column->num_chunks() <= 1; })) return table;
  return Ours(table->CombineChunks());
}

arrow::ConcatenateTablesOptions Unifying() {
  arrow::ConcatenateTablesOptions options;
  options.unify_schemas = true;
  options.field_merge_options = arrow::Field::MergeOptions::Permissive();
  return options;
}

Pools PoolsOf(const std::vector<RawTable>& parts) {
  Pools pools;
  for (const RawTable& part : parts) pools.insert(pools.end(), part.impl().pools.begin(), part.impl().pools.end());
  std::ranges::sort(pools);
  pools.erase(std::ranges::unique(pools).begin(), pools.end());
  return pools;
}

}  // namespace

RawTable RawFromArrow(std::shared_ptr<arrow::Table> table, Pools pools) {
  // Metadata of pandas speaks of another table once columns or rows are others.
  auto impl = std::make_shared<RawTable::Impl>(RawTable::Impl{.pools = std::move(pools), .table = table->ReplaceSchemaMetadata(nullptr)});
  for (const auto& field : impl->table->schema()->fields()) impl->columns.push_back(ColumnOf(*field));
  return RawTable(std::move(impl));
}

Result<RawTable> CheckedRawFromArrow(std::shared_ptr<arrow::Table> table, Pools pools) {
  if (table->num_rows() < 0) return InvalidArgument("a table of {} rows", table->num_rows());
  SW_TRY(OursOf(table->ValidateFull()));
  std::set<std::string> names;
  for (const auto& field : table->schema()->fields()) {
    if (!names.insert(field->name()).second) return InvalidArgument("the table has two columns \"{}\"; rename one", field->name());
  }
  return RawFromArrow(std::move(table), std::move(pools));
}

RawTable::RawTable() : RawTable(RawFromArrow(arrow::Table::Make(arrow::schema({}), arrow::ChunkedArrayVector{}, 0))) {}

std::size_t RawTable::num_rows() const { return static_cast<std::size_t>(impl_->table->num_rows()); }
const std::vector<RawColumn>& RawTable::columns() const { return impl_->columns; }

bool RawTable::Has(std::string_view column) const {
  return std::ranges::any_of(impl_->columns, [&](const RawColumn& each) { return each.name == column; });
}

Result<std::size_t> RawTable::Index(std::string_view column, std::string_view table) const {
  Schema names;
  for (const RawColumn& each : impl_->columns) names.fields.push_back({.name = each.name});
  return names.Index(column, table);
}

std::size_t RawTable::bytes() const { return static_cast<std::size_t>(std::max<std::int64_t>(0, arrow::util::TotalBufferSize(*impl_->table))); }

Result<RawTable> RawTable::Select(const std::vector<std::string>& names, std::string_view table) const {
  std::vector<int> indices;
  for (const std::string& name : names) indices.push_back(static_cast<int>(SW_TRY(Index(name, table))));
  return RawFromArrow(SW_TRY(Ours(impl_->table->SelectColumns(indices))), impl_->pools);
}

Result<RawTable> RawTable::Rename(const std::map<std::string, std::string>& names) const {
  std::vector<std::string> renamed;
  std::set<std::string> seen;
  for (const RawColumn& column : impl_->columns) {
    const auto found = names.find(column.name);
    renamed.push_back(found == names.end() ? column.name : found->second);
    if (!seen.insert(renamed.back()).second) return InvalidArgument("two columns would be named \"{}\"", renamed.back());
  }
  return RawFromArrow(SW_TRY(Ours(impl_->table->RenameColumns(renamed))), impl_->pools);
}

Result<RawTable> RawTable::Take(std::span<const std::int64_t> rows) const {
  return CatchingExceptions<RawTable>([&]() -> Result<RawTable> {
    const auto count = static_cast<std::int64_t>(rows.size());
    if (impl_->table->num_columns() == 0) return RawFromArrow(arrow::Table::Make(impl_->table->schema(), arrow::ChunkedArrayVector{}, count));
    arrow::Int64Builder builder;
    SW_TRY(OursOf(builder.Reserve(count)));
    for (const std::int64_t row : rows) row < 0 ? builder.UnsafeAppendNull() : builder.UnsafeAppend(row);
    const auto indices = SW_TRY(Ours(builder.Finish()));
    const auto table = SW_TRY(InOneChunk(impl_->table));
    if (table->num_rows() == 0 && count > 0) {  // Arrow has nothing to index into
      arrow::ChunkedArrayVector columns;
      for (const auto& field : table->schema()->fields()) {
        columns.push_back(std::make_shared<arrow::ChunkedArray>(SW_TRY(Ours(arrow::MakeArrayOfNull(field->type(), count)))));
      }
      return RawFromArrow(arrow::Table::Make(table->schema(), std::move(columns), count), impl_->pools);
    }
    const arrow::Datum taken = SW_TRY(Ours(arrow::compute::Take(table, indices)));
    return RawFromArrow(taken.table(), impl_->pools);
  });
}

Result<RawTable> RawTable::Beside(const RawTable& more) const {
  if (columns().empty()) return more;
  if (more.columns().empty()) return *this;
  if (num_rows() != more.num_rows()) return InvalidArgument("{} rows do not fit beside {}", more.num_rows(), num_rows());
  arrow::ChunkedArrayVector columns = impl_->table->columns();
  arrow::FieldVector fields = impl_->table->schema()->fields();
  for (int i = 0; i < more.impl_->table->num_columns(); ++i) {
    const auto& field = more.impl_->table->schema()->field(i);
    if (Has(field->name())) return InvalidArgument("two columns would be named \"{}\"", field->name());
    fields.push_back(field);
    columns.push_back(more.impl_->table->column(i));
  }
  return RawFromArrow(arrow::Table::Make(arrow::schema(std::move(fields)), std::move(columns), impl_->table->num_rows()), PoolsOf({*this, more}));
}

Result<RawTable> RawTable::Concat(const std::vector<RawTable>& parts) {
  return CatchingExceptions<RawTable>([&]() -> Result<RawTable> {
    if (parts.empty()) return RawTable();
    if (parts.size() == 1) return parts.front();
    std::vector<std::shared_ptr<arrow::Table>> tables;
    for (const RawTable& part : parts) tables.push_back(part.impl_->table);
    return RawFromArrow(SW_TRY(Ours(arrow::ConcatenateTables(tables, Unifying()))), PoolsOf(parts));
  });
}

Result<RawTable> RawTable::As(const RawTable& like) const {
  return CatchingExceptions<RawTable>([&]() -> Result<RawTable> {
    arrow::ChunkedArrayVector columns;
    for (const auto& field : like.impl_->table->schema()->fields()) {
      const auto& column = impl_->table->column(static_cast<int>(SW_TRY(Index(field->name(), "the rows"))));
      if (column->type()->Equals(field->type())) {
        columns.push_back(column);
        continue;
      }
      const auto cast = arrow::compute::Cast(column, field->type(), arrow::compute::CastOptions::Safe());
      if (!cast.ok()) return InvalidArgument("column \"{}\" of {} does not become {}: {}", field->name(), column->type()->ToString(), field->type()->ToString(), cast.status().message());
      columns.push_back(cast->chunked_array());
    }
    auto table = arrow::Table::Make(like.impl_->table->schema(), std::move(columns), impl_->table->num_rows());
    return RawFromArrow(std::move(table), PoolsOf({*this, like}));
  });
}

Result<RawTable> RawTable::InUtc(const std::vector<std::string>& names) const {
  auto table = impl_->table;
  for (int i = 0; i < table->num_columns(); ++i) {
    const auto field = table->schema()->field(i);
    if (field->type()->id() != arrow::Type::TIMESTAMP || std::ranges::find(names, field->name()) == names.end()) continue;
    const auto& type = checked_cast<const arrow::TimestampType&>(*field->type());
    if (!type.timezone().empty()) continue;
    const auto zoned = arrow::timestamp(type.unit(), "UTC");
    const auto column = SW_TRY(Ours(table->column(i)->View(zoned)));
    table = SW_TRY(Ours(table->SetColumn(i, field->WithType(zoned), column)));
  }
  return RawFromArrow(std::move(table), impl_->pools);
}

Result<RawTable> RawTable::OfTexts(const std::vector<std::pair<std::string, std::vector<std::string>>>& columns) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const auto& [name, texts] : columns) {
    arrow::StringBuilder builder;
    SW_TRY(OursOf(builder.AppendValues(texts)));
    fields.push_back(arrow::field(name, arrow::utf8()));
    arrays.push_back(SW_TRY(Ours(builder.Finish())));
  }
  return RawFromArrow(arrow::Table::Make(arrow::schema(std::move(fields)), std::move(arrays)));
}

Result<RawTable> RawTable::OfTimes(const std::string& name, const std::vector<TimeUs>& times) {
  arrow::TimestampBuilder builder(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), arrow::default_memory_pool());
  SW_TRY(OursOf(builder.AppendValues(times)));
  const auto array = SW_TRY(Ours(builder.Finish()));
  return RawFromArrow(arrow::Table::Make(arrow::schema({arrow::field(name, array->type())}), {array}));
}

Result<RawTable> RawTable::FromStream(std::string_view bytes, std::size_t bytes_max) {
  return CatchingExceptions<RawTable>([&]() -> Result<RawTable> {
    if (bytes.size() > bytes_max) return ResourceExhausted("a stream of {} bytes, the limit is {}", bytes.size(), bytes_max);
    const auto pool = MakeLimitedPool(kGrowthMax * static_cast<std::int64_t>(bytes.size()) + kSlackBytes);
    auto options = arrow::ipc::IpcReadOptions::Defaults();
    options.use_threads = false;
    options.memory_pool = pool.get();
    // A copy: the table outlives the bytes.
    const auto input = std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(std::string(bytes)));
    const auto reader = SW_TRY(Ours(arrow::ipc::RecordBatchStreamReader::Open(input, options)));
    auto table = SW_TRY(Ours(reader->ToTable()));
    return CheckedRawFromArrow(std::move(table), {pool});
  });
}

}  // namespace sw::data
