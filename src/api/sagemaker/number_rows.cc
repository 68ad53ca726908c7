#include "api/sagemaker/number_rows.h"

#include <cmath>
#include <utility>

#include "base/errors.h"

namespace sw::sagemaker {
namespace {

// NaN is missing, as on every wire.
Status AppendNumber(const data::Field& field, double value, data::Column& column) {
  const bool is_whole = std::trunc(value) == value && std::fabs(value) < 0x1p63;
  switch (field.type) {
    case data::Type::kFloat64: return column.AppendDouble(value), Ok();
    case data::Type::kInt64:
      if (std::isnan(value)) return column.AppendNull(), Ok();
      if (is_whole) return column.AppendInt(static_cast<std::int64_t>(value)), Ok();
      break;
    case data::Type::kBool:
      if (std::isnan(value)) return column.AppendNull(), Ok();
      if (value == 0 || value == 1) return column.AppendBool(value == 1), Ok();
      break;
    case data::Type::kString:
    case data::Type::kTimestamp:
      return InvalidArgument("{} is {}, and this content type has numbers only; send CSV or JSON", field.name,
                             data::TypeName(field.type));
  }
  return InvalidArgument("{} is {}, found {}", field.name, data::TypeName(field.type), value);
}

}  // namespace

void NumberRows::FillMissing() {
  for (std::size_t place = 0; has_row_ && place < given_.size(); ++place) {
    if (!given_[place]) rows_.column(place).AppendNull();
  }
  given_.assign(given_.size(), false);
}

Status NumberRows::Begin() {
  FillMissing();
  has_row_ = true;
  const std::size_t cells = (rows_.num_rows() + 1) * columns();
  if (cells <= kNumberCellsMax) return Ok();
  return ResourceExhausted("the rows have more than {} values, with those that are missing (limit number_cells_max)",
                           kNumberCellsMax);
}

Status NumberRows::Set(std::uint64_t place, double value) {
  if (place >= columns()) return InvalidArgument("there is no column {}; the model's are 0 to {}", place, columns() - 1);
  if (given_[place]) return InvalidArgument("column {} is there twice", place);
  given_[place] = true;
  return AppendNumber(rows_.schema().fields[place], value, rows_.column(place));
}

Result<data::Batch> NumberRows::Take() && {
  FillMissing();
  return std::move(rows_);
}

}  // namespace sw::sagemaker
