// Kernel: one stage of a plan, compiled. Internal to the pipeline engine.
//
// Values are blocks of rows, column by column: a block of one row is the lean path. Every row comes
// out as if it were alone. Kernels that work column by column also say what a column does to one
// cell (Map), which is what lets plan_fusion.h fold them into the stage after them. Immutable.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "model/plan.h"

namespace sw::model {

inline constexpr std::size_t kBlockRows = 256;  // at most

// Of bounds: half an ulp of 1 is kEpsilon / 2; kTiny is one ulp where numbers are subnormal.
inline constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
inline constexpr double kTiny = 4 * std::numeric_limits<double>::denorm_min();

// A block as a kernel reads it: cell (row, column) is at [column * rows + row]. A text without data
// is missing.
struct Block {
  const double* numbers = nullptr;
  const std::string_view* texts = nullptr;
  std::size_t width = 0;
};

// Where a kernel writes its block; one of the two.
struct BlockOut {
  double* numbers = nullptr;
  std::string_view* texts = nullptr;
};

struct Cell {
  double number = std::numeric_limits<double>::quiet_NaN();
  std::string_view text = {};
  bool is_refused = false;  // the library refuses this row
};

// How a column follows its source.
enum class Monotone : std::uint8_t { kNo, kRising, kFalling };

class ForestEngine;

class Kernel {
 public:
  virtual ~Kernel() = default;
  // INVALID_ARGUMENT says what in some row the library refuses.
  virtual Status Run(std::span<const Block> in, std::size_t rows, BlockOut out) const = 0;
  // Whether results have the library's bits when the inputs have them.
  virtual bool is_exact() const { return true; }
  // How far a cell may be from the library's, which is `expected`, given its very inputs.
  virtual double Bound(const Block&, std::size_t /*rows*/, std::size_t /*row*/, std::size_t /*column*/, double) const {
    return 0;
  }
  // Of kernels whose columns each depend on one column of the input: which, and how.
  virtual std::optional<std::uint32_t> SourceColumn(std::uint32_t) const { return {}; }
  virtual Cell Map(std::uint32_t, const Cell& cell) const { return cell; }
  // About which number Map takes to `number`, where it is monotone. Only a search starts there.
  virtual double Unmap(std::uint32_t, double number) const { return number; }
  // In IEEE arithmetic, step by step, over numbers that are not NaN.
  virtual Monotone IsMonotone(std::uint32_t) const { return Monotone::kNo; }
  // Categories that column's Map tells apart, where it reads categories.
  virtual const Categories* CategoriesOf(std::uint32_t) const { return nullptr; }
  // Whether some cell of the input's column makes it refuse the row.
  virtual bool CanRefuseInput(std::uint32_t) const { return false; }
  bool CanRefuse(std::uint32_t column) const { return CanRefuseInput(SourceColumn(column).value_or(0)); }
  // Whether a cell that is not missing passes unchanged.
  virtual bool KeepsPresent(std::uint32_t) const { return false; }
  // What a fused kernel or an engine of trees holds; of the others, which copy the op's constants, nobody asks.
  virtual std::size_t memory_bytes() const { return 0; }
  // The engine of a kernel that scores trees, where it has one.
  virtual const ForestEngine* forest() const { return nullptr; }
};

// One maker an op; `in` is the shape of the inputs side by side.
std::unique_ptr<Kernel> MakeKernel(const SelectOp& op, const Shape& in);
std::unique_ptr<Kernel> MakeKernel(const ImputeOp& op, const Shape& in);
std::unique_ptr<Kernel> MakeKernel(const MissingOp& op, const Shape& in);
std::unique_ptr<Kernel> MakeKernel(const ScaleOp& op, const Shape& in);
std::unique_ptr<Kernel> MakeKernel(const RequireOp& op, const Shape& in);
std::unique_ptr<Kernel> MakeKernel(const OneHotOp& op, const Shape& in);
std::unique_ptr<Kernel> MakeKernel(const LookupOp& op, const Shape& in);
std::unique_ptr<Kernel> MakeKernel(const ApplyOp& op, const Shape& in);
std::unique_ptr<Kernel> MakeKernel(const RowOp& op, const Shape& in);
std::unique_ptr<Kernel> MakeKernel(const StepOp& op, const Shape& in);
std::unique_ptr<Kernel> MakeKernel(const BinsOp& op, const Shape& in);
std::unique_ptr<Kernel> MakeKernel(const PowerOp& op, const Shape& in);
std::unique_ptr<Kernel> MakeKernel(const QuantileOp& op, const Shape& in);
std::unique_ptr<Kernel> MakeKernel(const InterpolateOp& op, const Shape& in);
std::unique_ptr<Kernel> MakeKernel(const ProductsOp& op, const Shape& in);
std::unique_ptr<Kernel> MakeKernel(const SplineOp& op, const Shape& in);
std::unique_ptr<Kernel> MakeKernel(const CountOp& op, const Shape& in);
std::unique_ptr<Kernel> MakeKernel(const BlendOp& op, const Shape& in);
std::unique_ptr<Kernel> MakeKernel(const GaussianOp& op, const Shape& in);
std::unique_ptr<Kernel> MakeKernel(const NeighborsOp& op, const Shape& in);

// Any of the above; null for a head.
std::unique_ptr<Kernel> MakePlainKernel(const PlanOp& op, const Shape& in);

// Heads: what a plan's other stages prepare numbers for.
// Trees by the fastest engine; and tree by tree as reference.h says, without a copy of the forest,
// which must outlive it.
Result<std::unique_ptr<Kernel>> MakeForestKernel(const Forest& forest);
std::unique_ptr<Kernel> MakeLiteralForestKernel(const Forest& forest);
// `groups` are ends of runs of columns: each run is summed by itself, in order, then the runs are
// added to the intercept in order.
std::unique_ptr<Kernel> MakeLinearKernel(const LinearOp& op, std::vector<std::uint32_t> groups);

}  // namespace sw::model
