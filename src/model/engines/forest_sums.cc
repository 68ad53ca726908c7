#include "model/engines/forest_sums.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "model/engines/feature_ranker.h"
#include "model/engines/leaf_order.h"
#include "model/engines/ranks.h"
#include "model/engines/row_table.h"
#include "model/engines/slice_program.h"
#include "model/engines/treelets.h"
#include "model/engines/walk.h"
#include "model/heap_bytes.h"
#include "model/reference.h"

namespace sw::model {
namespace {

// Scratch that a call needs: on the stack while it is small, so that one row allocates nothing.
template <typename T, std::size_t kSmall>
class Scratch {
 public:
  explicit Scratch(std::size_t count) : large_(count > kSmall ? count : 0), data_(count > kSmall ? large_.data() : small_) {}
  T* data() { return data_; }

 private:
  alignas(64) T small_[kSmall];
  std::vector<T> large_;
  T* data_;
};

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

template <typename Real>
SliceKernel<Real> PickSlice(const Cpu& cpu) {
#if defined(__x86_64__)
  if (cpu.avx512) return SliceSumAvx512;
  if (cpu.avx2) return SliceSumAvx2;
#endif
  static_cast<void>(cpu);
  return SliceSumBaseline;
}

template <typename Real>
class Sums final : public ForestSums {
 public:
  Sums(const Forest& forest, const ForestOptions& options) : forest_(forest) {
    const bool has_linear = std::any_of(forest.trees.begin(), forest.trees.end(),
                                        [](const Tree& tree) { return !tree.linear.empty(); });
    if (has_linear) return;  // leaves that read values: the literal way
    const RankedForest ranked = RankForest(forest);
    const bool has_treelets = Treelets<Real>::Fits(forest, ranked, options.cpu), has_slices = CanSlice(forest, ranked);
    if (has_treelets || has_slices) leaves_ = OrderLeafValues<Real>(forest, ranked);
    if (has_treelets) treelets_.emplace(forest, ranked, leaves_);
    else MakeWalk(ranked);  // for the same models, and slower
    if (has_slices) {
      slice_ = BuildSlice<Real>(forest, ranked);
      slice_kernel_ = PickSlice<Real>(options.cpu);
    }
    if (RowTable<Real, std::uint32_t>::Fits(forest, ranked)) table_.template emplace<1>(forest, ranked, options.cpu);
    else if (RowTable<Real, std::uint64_t>::Fits(forest, ranked)) table_.template emplace<2>(forest, ranked, options.cpu);
    columns_ = ranked.columns;
    column_feature_ = FirstColumns(ranked);
    twin_of_ = Twins(ranked);
    ranker_ = FeatureRanker(ranked.cuts, options.cpu);
  }

  bool Can(ForestMethod method) const override {
    switch (method) {
      case ForestMethod::kLiteral: return true;
      case ForestMethod::kWalk: return walk_.index() != 0;
      case ForestMethod::kTreelets: return treelets_.has_value();
      case ForestMethod::kTable: return table_.index() != 0;
      case ForestMethod::kSlice: return slice_.has_value();
    }
    return false;
  }

  void Raw(ForestMethod method, const Cells& cells, std::span<double> raw) const override {
    switch (method) {
      case ForestMethod::kLiteral: return Literal(cells, raw);
      case ForestMethod::kWalk: return std::visit([&](const auto& walk) { ByWalk(walk, cells, raw); }, walk_);
      case ForestMethod::kTreelets: return ByTreelets(cells, raw);
      case ForestMethod::kTable: return std::visit([&](const auto& table) { ByTable(table, cells, raw); }, table_);
      case ForestMethod::kSlice: return BySlice(cells, raw);
    }
  }

  std::size_t memory_bytes() const override {
    std::size_t total = sizeof(*this) + HeapBytes(columns_) + HeapBytes(column_feature_) + HeapBytes(twin_of_) + ranker_.memory_bytes() +
                        HeapBytes(leaves_.values) + HeapBytes(leaves_.first);
    if (slice_) total += HeapBytes(slice_->ops) + HeapBytes(slice_->op_sets) + HeapBytes(slice_->sets) + HeapBytes(slice_->trees);
    if (treelets_) total += treelets_->memory_bytes();
    std::visit([&](const auto& walk) { total += BytesOf(walk); }, walk_);
    std::visit([&](const auto& table) { total += BytesOf(table); }, table_);
    return total;
  }

 private:
  template <typename Part>
  static std::size_t BytesOf(const Part& part) {
    if constexpr (std::is_same_v<Part, std::monostate>) return 0;
    else return part.memory_bytes();
  }

  void MakeWalk(const RankedForest& ranked) {
    if (Walk<Real, std::uint8_t>::Fits(forest_, ranked)) walk_.template emplace<1>(forest_, ranked);
    else if (Walk<Real, std::uint16_t>::Fits(forest_, ranked)) walk_.template emplace<2>(forest_, ranked);
    else if (Walk<Real, std::uint32_t>::Fits(forest_, ranked)) walk_.template emplace<3>(forest_, ranked);
  }

  // Which of the ranked features (those with cuts, in order) a column reads.
  static std::vector<std::uint32_t> FirstColumns(const RankedForest& ranked) {
    std::vector<std::uint32_t> place(ranked.cuts.size()), of_column;
    std::uint32_t next = 0;
    for (std::size_t f = 0; f < ranked.cuts.size(); ++f) place[f] = ranked.cuts[f].empty() ? 0 : next++;
    for (const RankColumn& column : ranked.columns) of_column.push_back(place[column.feature]);
    return of_column;
  }

  static std::vector<std::size_t> Twins(const RankedForest& ranked) {
    const std::vector<RankColumn>& columns = ranked.columns;
    std::map<std::uint32_t, std::size_t> missing_right;  // feature: its column, if only a missing value has that rank
    for (std::size_t c = 0; c < columns.size(); ++c) {
      if (columns[c].missing_rank > ranked.cuts[columns[c].feature].size()) missing_right.emplace(columns[c].feature, c);
    }
    std::vector<std::size_t> twins;
    for (const RankColumn& column : columns) {
      const auto found = missing_right.find(column.feature);
      const bool follows = column.missing_rank == 0 && found != missing_right.end();
      twins.push_back(follows ? found->second : kNone);
    }
    return twins;
  }

  void Start(std::size_t rows, std::size_t stride_row, std::size_t stride_output, Real* sums) const {
    for (std::size_t output = 0; output < forest_.outputs; ++output) {
      const bool has_base = !forest_.base_last && !forest_.base.empty();
      const Real base = has_base ? static_cast<Real>(forest_.base[output]) : Real{0};
      for (std::size_t r = 0; r < rows; ++r) sums[r * stride_row + output * stride_output] = Real{0} + base;
    }
  }

  double Finish(Real sum, std::size_t output) const {
    sum *= static_cast<Real>(forest_.scale);
    if (forest_.base_last && !forest_.base.empty()) sum += static_cast<Real>(forest_.base[output]);
    return sum / static_cast<Real>(forest_.divisor);
  }

  void Literal(const Cells& cells, std::span<double> raw) const {
    std::vector<double> row(cells.columns.size());
    for (std::size_t r = 0; r < cells.rows; ++r) {
      for (std::size_t c = 0; c < row.size(); ++c) row[c] = cells.columns[c][r * cells.stride];
      ReferenceRaw(forest_, row, raw.subspan(r * forest_.outputs, forest_.outputs));
    }
  }

  void ByWalk(const std::monostate&, const Cells&, std::span<double>) const {}
  void ByTable(const std::monostate&, const Cells&, std::span<double>) const {}

  template <typename Rank>
  void ByWalk(const Walk<Real, Rank>& walk, const Cells& cells, std::span<double> raw) const {
    constexpr std::size_t kBlock = 64;
    const std::size_t block = std::min(cells.rows, kBlock), width = columns_.size(), outputs = forest_.outputs;
    Scratch<Rank, 1024> ranks(std::max<std::size_t>(1, block * width));
    Scratch<Real, 128> sums(block * outputs);
    for (std::size_t from = 0; from < cells.rows; from += kBlock) {
      const std::size_t rows = std::min(kBlock, cells.rows - from);
      for (std::size_t r = 0; r < rows; ++r) RankOneRow(cells, from + r, ranks.data() + r * width);
      Start(rows, outputs, 1, sums.data());
      if (rows == 1) walk.SumRow(ranks.data(), sums.data());
      else walk.SumRows(ranks.data(), rows, outputs, sums.data());
      for (std::size_t i = 0; i < rows * outputs; ++i) raw[from * outputs + i] = Finish(sums.data()[i], i % outputs);
    }
  }

  // The rank of a column, given those of features, in which a missing value is above all others.
  std::uint32_t ColumnRank(std::size_t column, const std::uint32_t* feature_ranks) const {
    const std::uint32_t place = column_feature_[column];
    const std::uint32_t rank = feature_ranks[place];
    return rank == ranker_.missing(place) ? columns_[column].missing_rank : rank;
  }

  template <typename Mask>
  void ByTable(const RowTable<Real, Mask>& table, const Cells& cells, std::span<double> raw) const {
    const std::size_t outputs = forest_.outputs;
    Scratch<std::uint32_t, 256> ranks(std::max<std::size_t>(1, ranker_.size()));
    Scratch<Real, 64> sums(outputs);
    for (std::size_t r = 0; r < cells.rows; ++r) {
      ranker_.RankRow(cells, r, ranks.data());
      Start(1, outputs, 1, sums.data());
      table.SumRow(ranks.data(), sums.data());
      for (std::size_t i = 0; i < outputs; ++i) raw[r * outputs + i] = Finish(sums.data()[i], i);
    }
  }

  // A feature is searched once: where it has two columns, the one that sends missing values left
  // follows from the other, whose rank for them no value has.
  void FillRanks(const Cells& cells, std::size_t from, std::size_t rows, std::uint8_t* ranks) const {
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      if (twin_of_[c] != kNone) continue;
      ranker_.RankBytes(cells, column_feature_[c], columns_[c].missing_rank, from, rows, ranks + c * kSliceRows);
    }
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      if (twin_of_[c] == kNone) continue;
      std::uint8_t* const own = ranks + c * kSliceRows;
      const std::uint8_t* const twin = ranks + twin_of_[c] * kSliceRows;
      const auto missing = static_cast<std::uint8_t>(columns_[twin_of_[c]].missing_rank);
      for (std::size_t r = 0; r < kSliceRows; ++r) own[r] = twin[r] == missing ? 0 : twin[r];
    }
  }

  void ByTreelets(const Cells& cells, std::span<double> raw) const {
    const std::size_t block = std::min(cells.rows, kSliceRows), outputs = forest_.outputs;
    Scratch<std::uint8_t, 4 * kTreeletRowBytes> ranks(block * kTreeletRowBytes);
    Scratch<Real, 64> sums(block * outputs);
    std::vector<std::uint8_t> by_column(block == 1 ? 0 : columns_.size() * kSliceRows);
    for (std::size_t from = 0; from < cells.rows; from += kSliceRows) {
      const std::size_t rows = std::min(kSliceRows, cells.rows - from);
      Start(rows, outputs, 1, sums.data());
      if (rows == 1) {
        RankOneRow(cells, from, ranks.data());
        treelets_->SumRow(ranks.data(), sums.data());
      } else {
        FillRanks(cells, from, rows, by_column.data());
        for (std::size_t c = 0; c < columns_.size(); ++c) {
          for (std::size_t r = 0; r < rows; ++r) ranks.data()[r * kTreeletRowBytes + c] = by_column[c * kSliceRows + r];
        }
        treelets_->SumRows(ranks.data(), rows, outputs, sums.data());
      }
      for (std::size_t i = 0; i < rows * outputs; ++i) raw[from * outputs + i] = Finish(sums.data()[i], i % outputs);
    }
  }

  // A rank a column.
  template <typename Rank>
  void RankOneRow(const Cells& cells, std::size_t row, Rank* ranks) const {
    Scratch<std::uint32_t, 256> feature_ranks(std::max<std::size_t>(1, ranker_.size()));
    ranker_.RankRow(cells, row, feature_ranks.data());
    for (std::size_t c = 0; c < columns_.size(); ++c) ranks[c] = static_cast<Rank>(ColumnRank(c, feature_ranks.data()));
  }

  void BySlice(const Cells& cells, std::span<double> raw) const {
    const std::size_t outputs = forest_.outputs;
    struct alignas(64) Line { std::uint8_t bytes[64]; };
    struct alignas(64) SumLine { Real values[64 / sizeof(Real)]; };
    std::vector<Line> ranks(columns_.size() * (kSliceRows / 64) + 1);
    std::vector<SumLine> sums(outputs * kSliceRows * sizeof(Real) / 64);
    auto* const rank_bytes = ranks[0].bytes;
    auto* const sum_values = sums[0].values;
    const SliceView<Real> view = slice_->View(leaves_);
    for (std::size_t from = 0; from < cells.rows; from += kSliceRows) {
      const std::size_t rows = std::min(kSliceRows, cells.rows - from);
      FillRanks(cells, from, rows, rank_bytes);
      Start(kSliceRows, 1, kSliceRows, sum_values);
      slice_kernel_(view, rank_bytes, sum_values);
      for (std::size_t i = 0; i < outputs; ++i) {
        for (std::size_t r = 0; r < rows; ++r) raw[(from + r) * outputs + i] = Finish(sum_values[i * kSliceRows + r], i);
      }
    }
  }

  const Forest& forest_;
  std::vector<RankColumn> columns_;
  std::vector<std::uint32_t> column_feature_;  // a column's place among ranked features
  std::vector<std::size_t> twin_of_;           // of a column that follows from another: that one; else kNone
  FeatureRanker ranker_;
  std::variant<std::monostate, Walk<Real, std::uint8_t>, Walk<Real, std::uint16_t>, Walk<Real, std::uint32_t>> walk_;
  LeafValues<Real> leaves_;  // of treelets and slices
  std::optional<Treelets<Real>> treelets_;
  std::variant<std::monostate, RowTable<Real, std::uint32_t>, RowTable<Real, std::uint64_t>> table_;
  std::optional<SliceProgram<Real>> slice_;
  SliceKernel<Real> slice_kernel_ = nullptr;
};

}  // namespace

std::unique_ptr<ForestSums> MakeForestSums(const Forest& forest, const ForestOptions& options) {
  if (forest.float_sums) return std::make_unique<Sums<float>>(forest, options);
  return std::make_unique<Sums<double>>(forest, options);
}

}  // namespace sw::model
