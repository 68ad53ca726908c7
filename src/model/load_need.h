// LoadNeed: what loading a model may take of memory, judged before it is read. Values; pure.
//
//   const LoadNeed need = NeedOfModel("lightgbm", bytes);   // a package's: NeedOf (package.h)
#pragma once

#include <cstdint>
#include <string_view>

namespace sw::model {

struct LoadNeed {
  std::uint64_t peak = 0;  // at its most while it is loaded, what it was read from and what it is then included
  std::uint64_t held = 0;  // after it
  // One after another: the second is loaded while the first is held.
  LoadNeed Then(const LoadNeed& next) const;
  bool operator==(const LoadNeed&) const = default;
};

// Of a model of so many bytes in a format as MakeEngine() takes it, at the worst that was measured, with a margin;
// "" or one that is not known: the most of any. Of ONNX whose model is trees "onnx_trees". A graph's own text only.
LoadNeed NeedOfModel(std::string_view format, std::uint64_t bytes);
// Of a part that is no model: contract, golden rows, report.
LoadNeed NeedOfPart(std::uint64_t bytes);

}  // namespace sw::model
