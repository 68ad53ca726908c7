#include "api/native/prediction.h"

#include "api/native/rows.h"
#include "base/errors.h"
#include "data/arrow_stream.h"
#include "feature/conform.h"

namespace sw::native {

Result<std::shared_ptr<const serve::EndpointSnapshot>> LiveEndpoint(const Context& context, std::string_view name) {
  auto snapshot = context.endpoints->Find(name);
  if (snapshot != nullptr) return snapshot;
  if (const auto why = context.endpoints->Explained(name)) return std::unexpected(*why);
  const auto names = context.endpoints->Names();
  return NotFound("no endpoint {} has a live version; {}", name,
                  names.empty() ? std::string("none has") : fmt::format("those that do: {}", fmt::join(names, ", ")));
}

Result<data::Batch> RowsFromArrow(const data::Schema& schema, std::string_view bytes, std::string_view where) {
  auto rows = data::DecodeArrowStream(bytes);
  if (!rows) return std::unexpected(std::move(rows).error().Within(where));
  return feature::ConformToKnown(*std::move(rows), schema);
}

namespace {

// "score" and "decision", or "prediction_0", "prediction_1", ... as in scored files, and "class".
data::Schema TableSchema(const serve::Outputs& outputs) {
  data::Schema schema{{{"id", data::Type::kString}}};
  if (outputs.count == 1) {
    schema.fields.push_back({"score", data::Type::kFloat64});
    schema.fields.push_back({"decision", data::Type::kBool});
  } else {
    for (std::size_t k = 0; k < outputs.count; ++k) schema.fields.push_back({fmt::format("prediction_{}", k), data::Type::kFloat64});
    if (outputs.are_classes) schema.fields.push_back({"class", data::Type::kString});
  }
  schema.fields.push_back({"version", data::Type::kInt64});
  schema.fields.push_back({"arm", data::Type::kString});
  schema.fields.push_back({"violations", data::Type::kInt64});
  return schema;
}

}  // namespace

data::Batch PredictTable(const serve::PredictResult& result) {
  const serve::Outputs& outputs = *result.outputs;
  data::Batch table(TableSchema(outputs));
  for (std::size_t row = 0; row < result.rows(); ++row) {
    std::size_t at = 0;
    table.column(at++).AppendString(result.ids[row]);
    for (const double score : result.ScoresOf(row)) table.column(at++).AppendDouble(score);
    if (outputs.count == 1) table.column(at++).AppendBool(result.decisions[row]);
    if (outputs.are_classes) {
      const auto label = result.ClassOf(row);
      label ? table.column(at++).AppendString(*label) : table.column(at++).AppendNull();
    }
    table.column(at++).AppendInt(result.versions[row]);
    table.column(at++).AppendString(serve::ServedAsName(result.arms[row]));
    table.column(at++).AppendInt(result.violations[row]);
  }
  return table;
}

Status CheckLabelCount(std::size_t count) {
  if (count == 0) return InvalidArgument("labels: expected at least one");
  if (count <= kRowsMax) return Ok();
  return ResourceExhausted("labels: {} of them, the limit rows_per_request_max is {}", count, kRowsMax);
}

Result<Json> TellLabels(const Context& context, const Caller& caller, std::string_view endpoint, const flow::LabelBatch& batch) {
  Json answer = SW_TRY(context.flow->AddLabels(caller, endpoint, batch));
  if (const std::int64_t unknown = answer.IntOr("unknown_count", 0); unknown > 0) {
    answer.Set("message",
               fmt::format("{} ids are unknown and were not written: endpoint {} never served them, or "
                           "served them before {} (ids are kept for {}); a label joins by the id that "
                           "predict answered with, or that the client brought. The batch did not use "
                           "up its sequence: send it again once they are served",
                           unknown, endpoint, answer.StringOr("known_since", ""), answer.StringOr("known_for", "")));
  }
  return answer;
}

}  // namespace sw::native
