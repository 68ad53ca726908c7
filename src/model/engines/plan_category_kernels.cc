// Kernels that read categories: one_hot and lookup.
#include <algorithm>

#include "base/errors.h"
#include "model/engines/plan_dictionary.h"
#include "model/engines/plan_kernel.h"

namespace sw::model {
namespace {

// What a category kernel reads: the place of a cell among its column's categories.
constexpr std::int32_t kUnknownCode = -1;
constexpr std::int32_t kMissingCode = -2;

std::int32_t CodeOf(const CategoryIndex& index, std::string_view text) {
  return text.data() == nullptr ? kMissingCode : index.Find(text);
}

std::int32_t CodeOf(const CategoryIndex& index, double number) {
  return std::isnan(number) ? kMissingCode : index.Find(number);
}

std::unexpected<Error> Refuse(std::size_t column, std::int32_t code, const Cell& cell, CellType type) {
  if (code == kMissingCode) return InvalidArgument("column {} is missing, which the library refuses", column);
  if (type == CellType::kText) return InvalidArgument("column {} is {}, a category that the library does not know", column, cell.text);
  return InvalidArgument("column {} is {}, a category that the library does not know", column, cell.number);
}

class OneHotKernel final : public Kernel {
 public:
  OneHotKernel(const OneHotOp& op, const Shape& in) : op_(op), type_(in.type) {
    for (std::uint32_t c = 0; c < op_.columns.size(); ++c) {
      indexes_.emplace_back(op_.columns[c].categories);
      sources_.insert(sources_.end(), op_.columns[c].width, c);
      firsts_.push_back(static_cast<std::uint32_t>(sources_.size()) - op_.columns[c].width);
    }
  }

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    std::fill_n(out.numbers, sources_.size() * rows, 0.0);
    for (std::size_t c = 0; c < op_.columns.size(); ++c) {
      for (std::size_t r = 0; r < rows; ++r) {
        const Cell cell = CellOf(in[0], c * rows + r);
        const std::int32_t place = PlaceOf(c, cell);
        if (place == kRefused) return Refuse(c, Code(c, cell), cell, type_);
        if (place >= 0) out.numbers[(firsts_[c] + static_cast<std::size_t>(place)) * rows + r] = 1.0;
      }
    }
    return Ok();
  }

  std::optional<std::uint32_t> SourceColumn(std::uint32_t column) const override { return sources_[column]; }
  Cell Map(std::uint32_t column, const Cell& cell) const override {
    const std::uint32_t source = sources_[column];
    const std::int32_t place = PlaceOf(source, cell);
    const bool is_here = place >= 0 && static_cast<std::uint32_t>(place) == column - firsts_[source];
    return {.number = is_here ? 1.0 : 0.0, .is_refused = place == kRefused};
  }
  const Categories* CategoriesOf(std::uint32_t column) const override { return &op_.columns[sources_[column]].categories; }
  bool CanRefuseInput(std::uint32_t column) const override {
    const OneHotOp::Column& own = op_.columns[column];
    return own.unknown == kRefused || own.missing == kRefused || std::ranges::find(own.places, kRefused) != own.places.end();
  }

 private:
  Cell CellOf(const Block& block, std::size_t at) const {
    return type_ == CellType::kText ? Cell{.text = block.texts[at]} : Cell{.number = block.numbers[at]};
  }
  std::int32_t Code(std::size_t column, const Cell& cell) const {
    return type_ == CellType::kText ? CodeOf(indexes_[column], cell.text) : CodeOf(indexes_[column], cell.number);
  }
  std::int32_t PlaceOf(std::size_t column, const Cell& cell) const {
    const OneHotOp::Column& own = op_.columns[column];
    const std::int32_t code = Code(column, cell);
    if (code == kMissingCode) return own.missing;
    return code == kUnknownCode ? own.unknown : own.places[static_cast<std::size_t>(code)];
  }

  OneHotOp op_;
  CellType type_;
  std::vector<CategoryIndex> indexes_;
  std::vector<std::uint32_t> sources_;  // of each output column
  std::vector<std::uint32_t> firsts_;   // output column of each input's first place
};

class LookupKernel final : public Kernel {
 public:
  LookupKernel(const LookupOp& op, const Shape& in) : op_(op), type_(in.type) {
    for (std::uint32_t c = 0; c < op_.columns.size(); ++c) {
      indexes_.emplace_back(op_.columns[c].categories);
      firsts_.push_back(static_cast<std::uint32_t>(sources_.size()));
      sources_.insert(sources_.end(), op_.columns[c].width, c);
    }
  }

  Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const override {
    for (std::size_t c = 0; c < op_.columns.size(); ++c) {
      for (std::size_t r = 0; r < rows; ++r) {
        const std::size_t at = c * rows + r;
        const Cell cell = type_ == CellType::kText ? Cell{.text = in[0].texts[at]} : Cell{.number = in[0].numbers[at]};
        const double* values = ValuesOf(c, cell);
        if (values == nullptr) return Refuse(c, Code(c, cell), cell, type_);
        for (std::size_t i = 0; i < op_.columns[c].width; ++i) out.numbers[(firsts_[c] + i) * rows + r] = values[i];
      }
    }
    return Ok();
  }

  std::optional<std::uint32_t> SourceColumn(std::uint32_t column) const override { return sources_[column]; }
  Cell Map(std::uint32_t column, const Cell& cell) const override {
    const std::uint32_t source = sources_[column];
    const double* values = ValuesOf(source, cell);
    return {.number = values == nullptr ? 0.0 : values[column - firsts_[source]], .is_refused = values == nullptr};
  }
  const Categories* CategoriesOf(std::uint32_t column) const override { return &op_.columns[sources_[column]].categories; }
  bool CanRefuseInput(std::uint32_t column) const override {
    return !op_.columns[column].unknown || !op_.columns[column].missing;
  }

 private:
  std::int32_t Code(std::size_t column, const Cell& cell) const {
    return type_ == CellType::kText ? CodeOf(indexes_[column], cell.text) : CodeOf(indexes_[column], cell.number);
  }
  // Null: the row is refused.
  const double* ValuesOf(std::size_t column, const Cell& cell) const {
    const LookupOp::Column& own = op_.columns[column];
    const std::int32_t code = Code(column, cell);
    if (code >= 0) return own.values.data() + static_cast<std::size_t>(code) * own.width;
    const auto& other = code == kMissingCode ? own.missing : own.unknown;
    return other ? other->data() : nullptr;
  }

  LookupOp op_;
  CellType type_;
  std::vector<CategoryIndex> indexes_;
  std::vector<std::uint32_t> sources_, firsts_;
};

}  // namespace

std::unique_ptr<Kernel> MakeKernel(const OneHotOp& op, const Shape& in) { return std::make_unique<OneHotKernel>(op, in); }
std::unique_ptr<Kernel> MakeKernel(const LookupOp& op, const Shape& in) { return std::make_unique<LookupKernel>(op, in); }

}  // namespace sw::model
