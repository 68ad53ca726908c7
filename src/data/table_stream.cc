#include "data/table_stream.h"

#include <algorithm>
#include <utility>

#include "base/errors.h"
#include "base/files.h"
#include "data/file_formats.h"

namespace sw::data {
namespace {

class WholeTable final : public TableReader {
 public:
  WholeTable(Batch table, std::size_t block_rows) : table_(std::move(table)), block_rows_(block_rows) {}

  Result<std::optional<Batch>> Next() override {
    if (offset_ >= table_.num_rows()) return std::nullopt;
    Batch block = table_.Slice(offset_, block_rows_);
    offset_ += block.num_rows();
    return block;
  }

  double fraction() const override {
    return table_.num_rows() == 0 ? 1 : static_cast<double>(offset_) / static_cast<double>(table_.num_rows());
  }

 private:
  Batch table_;
  std::size_t block_rows_;
  std::size_t offset_ = 0;
};

// Puts the path in front of errors, skips blocks without rows and refuses a table that has none.
class OneFile final : public TableReader {
 public:
  OneFile(std::string path, std::unique_ptr<TableReader> blocks, bool allow_empty)
      : path_(std::move(path)), blocks_(std::move(blocks)), is_empty_(!allow_empty) {}

  Result<std::optional<Batch>> Next() override {
    while (true) {
      auto block = blocks_->Next();
      if (!block) return std::unexpected(std::move(block).error().Within(fmt::format("reading {}", path_)));
      if (!*block && is_empty_) return InvalidArgument("table has no rows: {}; write at least one", path_);
      if (*block && (*block)->num_rows() == 0) continue;
      is_empty_ = false;
      return block;
    }
  }

  double fraction() const override { return blocks_->fraction(); }

 private:
  std::string path_;
  std::unique_ptr<TableReader> blocks_;
  bool is_empty_;  // and may not be
};

Result<std::unique_ptr<TableReader>> OpenOne(const Location& location, const std::string& path,
                                             const ReadOptions& options, std::size_t block_rows) {
  if (!base::Exists(path)) return NotFound("no such file: {}", path);
  auto blocks = location.format == "parquet" ? OpenParquetBlocks(path, options, block_rows)
                                             : OpenArrowBlocks(path, options, block_rows);
  // A missing column's message names the table already.
  if (!blocks && blocks.error().code == ErrorCode::kNotFound) return blocks;
  if (!blocks) return std::unexpected(std::move(blocks).error().Within(fmt::format("reading {}", path)));
  return std::make_unique<OneFile>(path, *std::move(blocks), options.allow_empty);
}

}  // namespace

Result<std::unique_ptr<TableReader>> OpenTable(const std::string& location, const ReadOptions& options,
                                               std::size_t block_rows) {
  const Location parsed = SW_TRY(ParseLocation(location));
  const auto files = SW_TRY(FilesOf(parsed.path));
  const bool in_blocks = files.size() == 1 && (parsed.format == "parquet" || parsed.format == "arrow");
  if (in_blocks) return OpenOne(parsed, files[0], options, std::max<std::size_t>(block_rows, 1));
  return std::make_unique<WholeTable>(SW_TRY(ReadTable(location, options)), std::max<std::size_t>(block_rows, 1));
}

}  // namespace sw::data
