#include "api/native/arguments.h"
#include "api/native/routes.h"
#include "base/errors.h"

namespace sw::native {
namespace {

constexpr std::int64_t kRowsMax = 10'000;

Result<Json> Streams(const Context& context) {
  Json streams = Json::MakeArray();
  for (const store::StreamStats& stream : SW_TRY(context.data->logbook().Streams())) {
    std::int64_t rows = 0;
    for (const auto& [partition, end] : stream.end) rows += end;
    streams.Append(Json::MakeObject({{"name", stream.spec.name},
                                     {"rows", rows},
                                     {"segments", stream.segments},
                                     {"bytes", stream.bytes},
                                     {"end", store::CutToJson(stream.end)}}));
  }
  return Json::MakeObject({{"streams", std::move(streams)}});
}

Json RowsJson(const store::LogChunk& chunk) {
  Json rows = Json::MakeArray();
  const data::Batch& columns = chunk.rows.columns;
  for (std::size_t row = 0; row < chunk.rows.num_rows(); ++row) {
    Json out = Json::MakeObject({{"offset", chunk.offset[row]},
                                 {"event_time", base::FormatTime(chunk.rows.event_time[row])},
                                 {"id", chunk.rows.id[row]}});
    for (std::size_t i = 0; i < columns.num_columns(); ++i) {
      out.Set(columns.schema().fields[i].name, columns.column(i).ToJson(row));
    }
    rows.Append(std::move(out));
  }
  return rows;
}

Result<Json> Read(const Context& context, const net::Request& request) {
  store::ReadRequest read;
  read.stream = request.Param("stream");
  read.partition = static_cast<std::int32_t>(SW_TRY(QueryInt(request, "partition", 0, INT32_MAX)));
  read.from = SW_TRY(QueryInt(request, "from", 0, INT64_MAX));
  read.rows_max = static_cast<std::size_t>(SW_TRY(QueryInt(request, "rows_max", 100, kRowsMax)));
  const store::LogChunk chunk = SW_TRY(context.data->logbook().Read(read));
  return Json::MakeObject(
      {{"stream", read.stream}, {"rows", RowsJson(chunk)}, {"next", chunk.next}});
}

}  // namespace

void AddStreamRoutes(const Context& context, Routes& routes) {
  routes.push_back(
      {.method = net::Method::kGet,
       .pattern = "/seaworthy/v1/streams",
       .scope = "log.read",
       .slow = true,
       .handler = net::AnswerJson([&context](const net::Request&) { return Streams(context); }),
       .summary = "The logbook's streams."});
  routes.push_back(
      {.method = net::Method::kGet,
       .pattern = "/seaworthy/v1/streams/{stream...}",
       .scope = "log.read",
       .slow = true,
       .handler = net::AnswerJson([&context](const net::Request& r) { return Read(context, r); }),
       .summary = "Rows of one stream, by offset.",
       .query_schema =
           R"({"type":"object","properties":{"from":{"type":"integer"},)"
           R"("rows_max":{"type":"integer","maximum":10000},"partition":{"type":"integer"}}})"});
}

}  // namespace sw::native
