// Whatever comes, CSV is rows of the schema or an error, and what JSON makes rows of never breaks them.
#include <cstdint>
#include <string_view>

#include "api/wire/csv_rows.h"
#include "api/wire/json_body.h"
#include "api/wire/tensor.h"
#include "base/check.h"

namespace {

const sw::data::Schema kSchema{{{"delay", sw::data::Type::kFloat64},
                                {"hour", sw::data::Type::kInt64},
                                {"wet", sw::data::Type::kBool},
                                {"origin", sw::data::Type::kString},
                                {"at", sw::data::Type::kTimestamp}}};

void CheckRows(const sw::Result<sw::data::Batch>& rows) {
  if (!rows) return;
  SW_CHECK(rows->Check().has_value() && rows->schema() == kSchema, "rows that are none of the schema");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 3 == 0) CheckRows(sw::wire::RowsFromCsv(kSchema, text, sw::wire::CsvHeader::kNames));
  if (data[0] % 3 == 1) CheckRows(sw::wire::RowsFromCsv(kSchema, text, sw::wire::CsvHeader::kNone));
  if (data[0] % 3 != 2) return 0;
  const auto json = sw::wire::ParseJsonBody(text);
  if (!json) return 0;
  CheckRows(sw::wire::RowsFromInstances(kSchema, *json));
  CheckRows(sw::wire::RowsFromColumns(kSchema, *json));
  return 0;
}
