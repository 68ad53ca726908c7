// Whatever message comes: it is rows of the schema or an error. The first byte says which message: an odd
// one is a PredictRequest's, else it is an Input of examples.
#include <proto/tensorflow_serving.pb.h>

#include <cstdint>
#include <memory>

#include "api/tensorflow_serving/grpc_rows.h"
#include "base/check.h"

namespace {

const auto kSchema = std::make_shared<const sw::data::Schema>(sw::data::Schema{{{"delay", sw::data::Type::kFloat64},
                                                                                {"hour", sw::data::Type::kInt64},
                                                                                {"wet", sw::data::Type::kBool},
                                                                                {"origin", sw::data::Type::kString},
                                                                                {"departs", sw::data::Type::kTimestamp}}});

template <typename Message>
bool Parse(const std::uint8_t* data, std::size_t size, Message& message) {
  return message.ParseFromArray(data + 1, static_cast<int>(size - 1));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  sw::Result<sw::data::Batch> rows{sw::data::Batch(kSchema)};
  if (data[0] % 2 == 1) {
    tensorflow::serving::PredictRequest request;
    if (!Parse(data, size, request)) return 0;
    rows = sw::tensorflow_serving::RowsFromInputs(kSchema, request);
  } else {
    tensorflow::serving::Input input;
    if (!Parse(data, size, input)) return 0;
    rows = sw::tensorflow_serving::RowsFromExamples(kSchema, input);
  }
  if (!rows) return 0;
  SW_CHECK(rows->Check().has_value() && rows->schema() == *kSchema, "rows of the schema");
  const std::size_t values = rows->num_rows() * kSchema->fields.size();
  SW_CHECK(values <= size * kSchema->fields.size() + sw::tensorflow_serving::kSplatValuesMax, "more values than the message and the limit allow");
  return 0;
}
