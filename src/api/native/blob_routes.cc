#include <algorithm>

#include "api/native/arguments.h"
#include "api/native/routes.h"
#include "base/errors.h"
#include "model/model_reader.h"

namespace sw::native {
namespace {

// Piece by piece: a model may be larger than what the server would hold of it.
Result<Json> PutBlob(store::Blobs& blobs, const net::BodyReader& body) {
  const auto writer = SW_TRY(blobs.NewWriter());
  std::uint64_t bytes = 0;
  while (true) {
    const std::string piece = SW_TRY(body.ReadBlocking());
    if (piece.empty()) break;
    bytes += piece.size();
    if (bytes > model::kModelBytesMax) {
      return ResourceExhausted("a blob is longer than {} bytes (limit model_bytes_max)", model::kModelBytesMax);
    }
    SW_TRY(writer->Write(piece));
  }
  return Json::MakeObject({{"sha256", SW_TRY(writer->Commit())}, {"bytes", bytes}});
}

constexpr std::size_t kPieceBytes = 8u << 20;

// Nothing but the package's own manifest and parts: blobs hold more than models.
Result<std::string> ReadPart(const store::Blobs& blobs, const net::Request& request) {
  const std::string id(request.Param("id")), hash(request.Param("sha256"));
  const std::int64_t from = SW_TRY(QueryInt(request, "from", 0, static_cast<std::int64_t>(model::kModelBytesMax)));
  const Json manifest = SW_TRY(Json::Parse(SW_TRY(blobs.ReadAll(id))));
  const Json* parts = SW_TRY(manifest.GetObject("parts"));
  const bool is_part = std::ranges::any_of(parts->AsObject(), [&](const auto& part) { return part.second == Json(hash); });
  if (hash != id && !is_part) return NotFound("package {} has no part {}", id, hash);
  return blobs.Read(hash, static_cast<std::uint64_t>(from), kPieceBytes);
}

}  // namespace

void AddBlobRoutes(const Context& context, Routes& routes) {
  routes.push_back(
      {.method = net::Method::kGet,
       .pattern = "/seaworthy/v1/packages/{id}/parts/{sha256}",
       .scope = "models.read",
       .slow = true,
       .handler =
           [&context](const net::Request& request, const net::Responder& responder) {
             auto part = ReadPart(context.data->blobs(), request);
             if (!part) return responder.SendError(part.error());
             responder.Send({.status = 200, .headers = {{"Content-Type", "application/octet-stream"}}, .body = *std::move(part)});
           },
       .summary = "At most 8 MiB of a package's manifest (its id) or of a part that the manifest names.",
       .query_schema = R"({"type":"object","properties":{"from":{"type":"integer"}}})"});
  routes.push_back(
      {.method = net::Method::kPost,
       .pattern = "/seaworthy/v1/blobs",
       .scope = "models.write",
       .slow = true,
       .stream_handler =
           [&context](const net::Request&, const net::BodyReader& body, const net::Responder& responder) {
             const Result<Json> put = PutBlob(context.data->blobs(), body);
             if (!put) return responder.SendError(put.error());
             responder.Send(net::JsonResponse(200, *put));
           },
       .summary = "Keeps bytes under their SHA-256, for a package's parts and its manifest. The same "
                  "bytes are kept once.",
       .response_schema = R"({"type":"object","required":["sha256","bytes"],"properties":{)"
                          R"("sha256":{"type":"string"},"bytes":{"type":"integer"}}})"});
}

}  // namespace sw::native
