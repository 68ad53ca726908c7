// Whatever body comes, of whichever type: it is rows of the schema or an error. The first byte is the type.
#include <cstdint>
#include <string_view>

#include "api/sagemaker/bodies.h"
#include "base/check.h"

namespace {

const sw::data::Schema kSchema{{{"delay", sw::data::Type::kFloat64}, {"hour", sw::data::Type::kInt64}, {"wet", sw::data::Type::kBool}}};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto type = static_cast<sw::sagemaker::BodyType>(data[0] % 5);
  const auto rows = sw::sagemaker::ReadRows(kSchema, type, {reinterpret_cast<const char*>(data) + 1, size - 1});
  SW_CHECK(!rows || (rows->Check().has_value() && rows->schema() == kSchema && rows->num_rows() > 0), "rows of the schema");
  return 0;
}
