#include "model/engines/plan_program.h"

#include <algorithm>
#include <utility>

#include "model/heap_bytes.h"

namespace sw::model {
namespace {

constexpr std::size_t kScratchCells = 1u << 18;  // 2 MiB of numbers

// Drops steps whose values nobody reads.
std::vector<ProgramStep> OnlyNeeded(std::vector<ProgramStep> steps, std::size_t values, std::uint32_t output) {
  std::vector<bool> needed(values);
  needed[output] = true;
  std::vector<ProgramStep> kept;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if (!needed[step->out]) continue;
    for (const std::uint32_t value : step->in) needed[value] = true;
    kept.push_back(std::move(*step));
  }
  std::ranges::reverse(kept);
  return kept;
}

}  // namespace

Program::Program(std::vector<Shape> shapes, std::vector<ProgramStep> steps, std::uint32_t output)
    : shapes_(std::move(shapes)), steps_(OnlyNeeded(std::move(steps), shapes_.size(), output)),
      output_(output), offsets_(shapes_.size()) {
  for (const ProgramStep& step : steps_) {
    std::size_t& columns = shapes_[step.out].type == CellType::kNumber ? number_columns_ : text_columns_;
    offsets_[step.out] = columns;
    columns += shapes_[step.out].width;
  }
  block_rows_ = std::clamp<std::size_t>(kScratchCells / (number_columns_ + 2 * text_columns_ + 1), 1, kBlockRows);
}

BlockOut Program::Place(std::uint32_t value, std::size_t rows, Scratch& scratch) const {
  const std::size_t offset = offsets_[value] * rows;
  if (shapes_[value].type == CellType::kNumber) return {.numbers = scratch.numbers.data() + offset};
  return {.texts = scratch.texts.data() + offset};
}

std::size_t Program::memory_bytes() const {
  std::size_t bytes = sizeof(*this) + HeapBytes(shapes_) + HeapBytes(offsets_) + BlockBytes(steps_.capacity() * sizeof(ProgramStep));
  for (const ProgramStep& step : steps_) bytes += HeapBytes(step.in) + HeapBytes(step.name);
  return bytes;
}

Status Program::Run(std::span<const Block> inputs, std::size_t rows, Scratch& scratch, double* scores) const {
  if (scratch.numbers.size() < number_columns_ * rows) scratch.numbers.resize(number_columns_ * rows);
  if (scratch.texts.size() < text_columns_ * rows) scratch.texts.resize(text_columns_ * rows);
  scratch.blocks.resize(shapes_.size());
  std::ranges::copy(inputs, scratch.blocks.begin());
  for (const ProgramStep& step : steps_) {
    scratch.in.clear();
    for (const std::uint32_t value : step.in) scratch.in.push_back(scratch.blocks[value]);
    const BlockOut out = Place(step.out, rows, scratch);
    auto done = step.kernel->Run(scratch.in, rows, out);
    if (!done) return std::unexpected(std::move(done).error().Within(step.name));
    scratch.blocks[step.out] = {.numbers = out.numbers, .texts = out.texts, .width = shapes_[step.out].width};
  }
  const Block& result = scratch.blocks[output_];
  const std::size_t width = result.width;
  for (std::size_t c = 0; c < width; ++c) {
    for (std::size_t r = 0; r < rows; ++r) scores[r * width + c] = result.numbers[c * rows + r];
  }
  return Ok();
}

}  // namespace sw::model
