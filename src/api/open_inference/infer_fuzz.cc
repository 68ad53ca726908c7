// Whatever body comes, with or without a binary part: it is rows of the schema or an error. The first two
// bytes are the length that the header claims of the JSON part; 65535 leaves the header out. An odd length
// of all is for a model of three classes.
#include <cstdint>
#include <memory>
#include <string>

#include "api/open_inference/infer.h"
#include "api/open_inference/quick_infer.h"
#include "base/check.h"

namespace {

const sw::data::Schema kSchema{{{"delay", sw::data::Type::kFloat64}, {"hour", sw::data::Type::kInt64}, {"origin", sw::data::Type::kString}}};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const unsigned length = data[0] | static_cast<unsigned>(data[1]) << 8;
  sw::net::Request request;
  request.body.assign(reinterpret_cast<const char*>(data) + 2, size - 2);
  if (length != 65535) request.headers.Add("Inference-Header-Content-Length", std::to_string(length));
  const bool is_classifier = size % 2 == 1;
  const auto outputs = std::make_shared<const sw::serve::Outputs>(
      sw::serve::Outputs{.count = is_classifier ? 3U : 1U, .names = {}, .are_classes = is_classifier});
  const auto quick = sw::open_inference::QuickRows(request.body, std::make_shared<const sw::data::Schema>(kSchema));
  auto infer = sw::open_inference::ParseInfer(request, *outputs);
  const bool is_quick = quick.has_value() && length == 65535;
  SW_CHECK(!is_quick || infer.has_value(), "the quick reader takes what the other refuses");
  if (!infer) return 0;
  const auto rows = sw::wire::RowsFromTensors(kSchema, std::move(infer->inputs));
  SW_CHECK(!is_quick || (rows.has_value() && *rows == quick->rows && infer->id == quick->id), "the quick reader reads something else");
  if (!rows) return 0;
  SW_CHECK(rows->Check().has_value() && rows->schema() == kSchema, "rows that are none of the schema");
  sw::serve::PredictResult result;
  result.outputs = outputs;
  result.scores.assign(rows->num_rows() * outputs->count, 0.5);
  if (!is_classifier) result.decisions.assign(rows->num_rows(), true);
  result.versions.assign(rows->num_rows(), 1);
  result.ids = sw::serve::RowIds("id", rows->num_rows());
  SW_CHECK(sw::open_inference::InferResponse(*infer, "late", result).status == 200, "an answer");
  return 0;
}
