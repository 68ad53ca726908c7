// NumberRows: rows of which a body gives some numbers by the column's place; what it does not give is
// missing. Inside this room only.
//
//   NumberRows rows(request);
//   SW_TRY(rows.Begin());
//   SW_TRY(rows.Set(2, 0.5));
//   data::Batch batch = SW_TRY(std::move(rows).Take());
//
// One owner.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "data/batch.h"

namespace sw::sagemaker {

inline constexpr std::size_t kNumberCellsMax = 20'000'000;  // limit number_cells_max, given or missing

class NumberRows {
 public:
  explicit NumberRows(const data::Schema& request) : rows_(request), given_(request.fields.size()) {}

  std::size_t columns() const { return given_.size(); }
  // The next row. RESOURCE_EXHAUSTED beyond kNumberCellsMax.
  Status Begin();
  // INVALID_ARGUMENT: no such place, a place twice in a row, text, or no number of the column's type.
  Status Set(std::uint64_t place, double value);
  Result<data::Batch> Take() &&;

 private:
  void FillMissing();

  data::Batch rows_;
  std::vector<bool> given_;  // of the row that was begun
  bool has_row_ = false;
};

}  // namespace sw::sagemaker
