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

}  // namespace

void AddBlobRoutes(const Context& context, Routes& routes) {
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
