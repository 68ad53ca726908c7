// Sources: what a fused kernel reads, each cell once. Internal to the pipeline engine.
#pragma once

#include <cmath>
#include <deque>
#include <string>
#include <vector>

#include "model/engines/plan_chain.h"
#include "model/engines/plan_dictionary.h"

namespace sw::model {

// A column that a fused kernel reads: a number within what the library accepts, or a category's code:
// its place among the categories, then one for what is none of them, then one for missing.
struct Source {
  Chain::Kind kind = Chain::Kind::kNumber;
  PlanColumn column;
  std::size_t block = 0;  // place of its value among the kernel's inputs
  CellType type = CellType::kNumber;
  Chains::Range range;                // kNumber
  std::vector<CategoryIndex> index;   // kCategory: one
  std::vector<Cell> examples;         // kCategory: a cell of each code, of the Sources' lifetime
  std::vector<bool> is_refused;       // kCategory: codes that the library refuses

  std::size_t codes() const { return is_refused.size(); }
  std::size_t memory_bytes() const;  // beside itself
  bool Accepts(double number) const {
    return std::isnan(number) ? range.allows_missing : number >= range.low && number <= range.high;
  }
  // The code of the cell at [at] of the source's block.
  std::size_t CodeOf(const Block& in, std::size_t at) const;
};

// One source for each column of a head's input, shared where they read the same.
class Sources {
 public:
  // `only_categories` where numbers are not to be mapped, by column (empty: nowhere).
  Sources(const std::vector<Shape>& shapes, const Lineage& lineage, std::uint32_t value,
          const std::vector<bool>& only_categories);

  const std::vector<Source>& sources() const { return sources_; }
  const std::vector<std::uint32_t>& values() const { return values_; }  // that the kernel reads
  std::size_t SourceOf(std::size_t column) const { return source_of_[column]; }
  const Chain& ChainOf(std::size_t column) const { return chain_of_[column]; }
  const Chains& chains() const { return chains_; }
  // Values of a column by its source's code.
  std::vector<double> Table(std::size_t column) const;
  // Whether anything is folded, and every refusal that would be left out can still be told.
  bool IsWorthwhile(const Plan& plan, std::uint32_t head) const;

 private:
  Source MakeSource(const Chain& chain);
  void AddRefusals(Source& source, const Chain& chain) const;
  std::size_t BlockOf(std::uint32_t value);

  const std::vector<Shape>& shapes_;
  const Lineage& lineage_;
  Chains chains_;
  std::vector<Chain> chain_of_;
  std::vector<std::size_t> source_of_;
  std::vector<Source> sources_;
  std::deque<std::string> unknown_texts_;  // examples view them
  std::vector<std::uint32_t> values_;
};

}  // namespace sw::model
