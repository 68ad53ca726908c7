// Program: a plan's kernels in an order that computes one of its values. Internal to the pipeline
// engine. Immutable; thread-safe with a Scratch of its own for each caller.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/engines/plan_kernel.h"

namespace sw::model {

struct ProgramStep {
  const Kernel* kernel = nullptr;
  std::vector<std::uint32_t> in;  // values
  std::uint32_t out = 0;
  std::string name;               // of the stage, for errors
};

// Room for a block's values. One owner.
struct Scratch {
  std::vector<double> numbers;
  std::vector<std::string_view> texts;
  std::vector<Block> blocks;  // one a value
  std::vector<Block> in;      // of the step that runs
};

class Program {
 public:
  // `shapes` of all values; steps in an order in which they can run. Keeps only steps that `output`
  // needs.
  Program(std::vector<Shape> shapes, std::vector<ProgramStep> steps, std::uint32_t output);

  std::size_t width() const { return shapes_[output_].width; }
  std::size_t steps() const { return steps_.size(); }
  std::size_t memory_bytes() const;
  // Rows of a block whose values stay in the cache, at least 1, at most kBlockRows.
  std::size_t block_rows() const { return block_rows_; }
  // `inputs` is a block for each input of the plan, of `rows` rows. `scores` is row-major.
  Status Run(std::span<const Block> inputs, std::size_t rows, Scratch& scratch, double* scores) const;

 private:
  BlockOut Place(std::uint32_t value, std::size_t rows, Scratch& scratch) const;

  std::vector<Shape> shapes_;
  std::vector<ProgramStep> steps_;
  std::uint32_t output_;
  std::vector<std::size_t> offsets_;  // of each value, in columns of its type
  std::size_t number_columns_ = 0, text_columns_ = 0;
  std::size_t block_rows_ = 1;
};

}  // namespace sw::model
