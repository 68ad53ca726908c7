#include "api/feast/flight.h"

#include <proto/arrow_flight.pb.h>

#include <memory>
#include <optional>
#include <utility>

#include "api/feast/flight_spool.h"
#include "api/feast/offline_calls.h"
#include "api/grpc/stream.h"
#include "base/errors.h"
#include "data/flight_payload.h"
#include "feast/failure.h"

namespace sw::feast {
namespace {

namespace flight = ::arrow::flight::protocol;
using grpc::Call;

constexpr std::size_t kCommandBytesMax = 1 << 20;

using PutStream = grpc::Stream<flight::FlightData, flight::PutResult>;
using ExchangeStream = grpc::Stream<flight::FlightData, flight::FlightData>;
using GetStream = grpc::Stream<flight::Ticket, flight::FlightData>;
using ListStream = grpc::Stream<flight::Criteria, flight::FlightInfo>;
using ActionStream = grpc::Stream<flight::Empty, flight::ActionType>;

std::string PathOf(std::string_view method) { return fmt::format("/arrow.flight.protocol.FlightService/{}", method); }

// As Feast's client finds it: "Flight error: " and the exception. An error without one of Feast's exceptions keeps
// its words; of its code Arrow's client makes ValueError, KeyError and the like.
Status ForClient(Status status) {
  if (status || ExceptionOf(status.error()).name == "FeastError") return status;
  Error error = std::move(status).error();
  error.message = "Flight error: " + ErrorDetail(error);
  return std::unexpected(std::move(error));
}

struct Server {
  explicit Server(const FlightContext& of)
      : context(of), calls({.registry = of.registry, .project = of.project, .writes = of.writes, .clock = of.clock, .threads = of.threads}),
        spool(*of.clock, {.bytes_max = of.spool_bytes_max}) {}
  const FlightContext context;
  const OfflineCalls calls;
  FlightSpool spool;
};
using SharedServer = std::shared_ptr<Server>;

// Runs `work` on the executor; a stream that cannot be worked for is ended.
template <typename StreamType, typename Work>
void Run(const SharedServer& server, const std::shared_ptr<StreamType>& stream, Work work) {
  const Status submitted = server->context.executor->Submit(std::move(work));
  if (!submitted) stream->Finish(submitted);
}

// An upload while it comes in.
template <typename StreamType>
struct Upload {
  SharedServer server;
  std::shared_ptr<StreamType> stream;
  data::FlightDecoder decoder;
  std::string command = {};
  bool has_begun = false;

  Status Take(std::string_view bytes) {
    flight::FlightData message;
    if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return std::unexpected(grpc::Unreadable(message.GetTypeName()));
    if (!std::exchange(has_begun, true)) {
      command = std::move(*message.mutable_flight_descriptor()->mutable_cmd());
      if (command.empty() || command.size() > kCommandBytesMax) return InvalidArgument("the first message needs a descriptor with a command of at most {} bytes", kCommandBytesMax);
    }
    return decoder.Add({std::move(*message.mutable_data_header()), std::move(*message.mutable_data_body())});
  }
  // What has come in, as a whole.
  Result<std::pair<Json, data::RawTable>> Finish() {
    if (!has_begun) return InvalidArgument("the upload has no message");
    Json parsed = SW_TRY(Json::Parse(command));
    if (!parsed.IsObject()) return InvalidArgument("the descriptor's command is {}, not a JSON object", parsed.TypeName());
    return std::pair(std::move(parsed), SW_TRY(decoder.Finish()));
  }
};

// Reads to the end, and then runs `complete` on the executor.
template <typename StreamType, typename Complete>
void ReadOn(const std::shared_ptr<Upload<StreamType>>& upload, Complete complete) {
  upload->stream->ReadBytes([upload, complete](Result<std::optional<std::string>> bytes) {
    if (!bytes) return upload->stream->Finish(std::unexpected(bytes.error()));
    if (!*bytes) return Run(upload->server, upload->stream, [upload, complete] { complete(*upload); });
    if (Status taken = upload->Take(**bytes); !taken) return upload->stream->Finish(taken);
    ReadOn(upload, complete);
  });
}

template <typename StreamType, typename Complete>
void Begin(const SharedServer& server, std::shared_ptr<StreamType> stream, Complete complete) {
  ReadOn(std::make_shared<Upload<StreamType>>(Upload<StreamType>{.server = server, .stream = std::move(stream), .decoder = data::FlightDecoder({.bytes_max = server->context.upload_bytes_max})}),
         complete);
}

Status Keep(Upload<PutStream>& upload) {
  auto [command, table] = SW_TRY(upload.Finish());
  const Caller& caller = upload.stream->GetCall().caller;
  if (!SW_TRY(upload.server->calls.Put(caller, command, table))) return Ok();
  return upload.server->spool.Put(FlightSpool::TicketOf(caller, upload.command), {upload.command, table});
}

template <typename StreamType>
void WriteOn(const std::shared_ptr<StreamType>& stream, data::FlightEncoder encoder) {
  Result<std::optional<data::FlightMessage>> message = encoder.Next();
  if (!message) return stream->Finish(std::unexpected(message.error()));
  if (!*message) return stream->Finish(Ok());
  flight::FlightData data;
  data.set_data_header(std::move((*message)->header));
  data.set_data_body(std::move((*message)->body));
  stream->Write(data, [stream, encoder = std::move(encoder)]() mutable { WriteOn(stream, std::move(encoder)); });
}

Result<data::FlightEncoder> AnswerTo(Server& server, const Caller& caller, const std::string& ticket) {
  const auto upload = server.spool.Find(ticket);
  if (upload == nullptr || FlightSpool::TicketOf(caller, upload->command) != ticket) return NotFound("Flight not found.");
  data::RawTable answer = SW_TRY(server.calls.Get(SW_TRY(Json::Parse(upload->command)), upload->table));
  server.spool.Remove(ticket);
  return data::FlightEncoder::Make(std::move(answer));
}

Result<data::FlightEncoder> AnswerOf(Upload<ExchangeStream>& upload) {
  const auto [command, table] = SW_TRY(upload.Finish());
  return data::FlightEncoder::Make(SW_TRY(upload.server->calls.Get(command, table)));
}

void Exchange(Upload<ExchangeStream>& upload) {
  if (upload.stream->Cancelled()) return;
  auto answer = AnswerOf(upload);
  if (!answer) return upload.stream->Finish(ForClient(std::unexpected(std::move(answer).error())));
  WriteOn(upload.stream, *std::move(answer));
}

void Get(const SharedServer& server, const std::shared_ptr<GetStream>& stream) {
  stream->Read([server, stream](Result<const flight::Ticket*> ticket) {
    if (!ticket) return stream->Finish(std::unexpected(ticket.error()));
    if (*ticket == nullptr) return stream->Finish(InvalidArgument("DoGet needs a ticket"));
    Run(server, stream, [server, stream, wanted = (*ticket)->ticket()] {
      if (stream->Cancelled()) return;
      auto answer = AnswerTo(*server, stream->GetCall().caller, wanted);
      if (!answer) return stream->Finish(ForClient(std::unexpected(std::move(answer).error())));
      WriteOn(stream, *std::move(answer));
    });
  });
}

Status Describe(std::string_view command, const Caller& caller, flight::FlightInfo& info) {
  info.set_schema(SW_TRY(data::EncodeFlightSchema(data::RawTable())));
  info.mutable_flight_descriptor()->set_type(flight::FlightDescriptor::CMD);
  info.mutable_flight_descriptor()->set_cmd(std::string(command));
  info.add_endpoint()->mutable_ticket()->set_ticket(FlightSpool::TicketOf(caller, command));  // no location: this server
  info.set_total_records(-1);
  info.set_total_bytes(-1);
  return Ok();
}

template <typename Request, typename Response>
void WriteEach(const std::shared_ptr<grpc::Stream<Request, Response>>& stream, std::shared_ptr<std::vector<Response>> messages, std::size_t next) {
  if (next == messages->size()) return stream->Finish(Ok());
  stream->Write((*messages)[next], [stream, messages, next] { WriteEach(stream, messages, next + 1); });
}

// Reads the one request, and writes what `list` makes of it.
template <typename Request, typename Response, typename List>
void ListAll(const std::shared_ptr<grpc::Stream<Request, Response>>& stream, List list) {
  stream->Read([stream, list = std::move(list)](Result<const Request*> request) {
    if (!request) return stream->Finish(std::unexpected(request.error()));
    auto messages = std::make_shared<std::vector<Response>>();
    if (Status listed = list(*messages); !listed) return stream->Finish(listed);
    WriteEach(stream, std::move(messages), 0);
  });
}

Status ListActions(std::vector<flight::ActionType>& actions) {
  constexpr std::pair<const char*, const char*> kActions[] = {
      {"offline_write_batch", "Writes the specified arrow table to the data source underlying the specified feature view."},
      {"write_logged_features", "Writes logged features to a specified destination in the offline store."},
      {"persist", "Synchronously executes the underlying query and persists the result in the same offline store at the specified destination."}};
  for (const auto& [type, description] : kActions) {
    actions.emplace_back().set_type(type);
    actions.back().set_description(description);
  }
  return Ok();
}

net::Route Refused(const base::Clock& clock, std::string_view method) {
  return grpc::Streaming<flight::Empty, flight::Empty>(clock, PathOf(method), "features.read", [method = std::string(method)](const auto& stream) {
    stream->Finish(Unimplemented("an offline server of Feast has no {}", method));
  });
}

}  // namespace

std::vector<net::Route> FlightRoutes(const FlightContext& context) {
  const base::Clock& clock = *context.clock;
  const auto server = std::make_shared<Server>(context);
  std::vector<net::Route> routes;
  const grpc::StreamLimits limits{.message_bytes_max = context.upload_bytes_max + kCommandBytesMax, .budget = std::make_shared<grpc::StreamBudget>(context.uploads_bytes_max)};
  routes.push_back(grpc::Streaming<flight::FlightData, flight::PutResult>(
      clock, PathOf("DoPut"), "features.read",
      [server](std::shared_ptr<PutStream> stream) {
        Begin(server, std::move(stream), [](Upload<PutStream>& upload) { upload.stream->Finish(ForClient(Keep(upload))); });
      },
      limits));
  routes.push_back(grpc::Streaming<flight::FlightData, flight::FlightData>(
      clock, PathOf("DoExchange"), "features.read", [server](std::shared_ptr<ExchangeStream> stream) { Begin(server, std::move(stream), Exchange); }, limits));
  routes.push_back(grpc::Streaming<flight::Ticket, flight::FlightData>(clock, PathOf("DoGet"), "features.read",
                                                                       [server](const std::shared_ptr<GetStream>& stream) { Get(server, stream); }));
  routes.push_back(grpc::Unary<flight::FlightDescriptor, flight::FlightInfo>(
      clock, PathOf("GetFlightInfo"), "features.read",
      [server](const Call& call, const flight::FlightDescriptor& descriptor, flight::FlightInfo& info) -> Status {
        if (server->spool.Find(FlightSpool::TicketOf(call.caller, descriptor.cmd())) == nullptr) return NotFound("Flight not found.");
        return Describe(descriptor.cmd(), call.caller, info);
      }));
  routes.push_back(grpc::Streaming<flight::Criteria, flight::FlightInfo>(clock, PathOf("ListFlights"), "features.read", [server](const std::shared_ptr<ListStream>& stream) {
    ListAll(stream, [server, stream](std::vector<flight::FlightInfo>& flights) -> Status {
      const Caller& caller = stream->GetCall().caller;
      for (const std::string& command : server->spool.CommandsOf(caller)) SW_TRY(Describe(command, caller, flights.emplace_back()));
      return Ok();
    });
  }));
  routes.push_back(grpc::Streaming<flight::Empty, flight::ActionType>(clock, PathOf("ListActions"), "features.read",
                                                                      [](const std::shared_ptr<ActionStream>& stream) { ListAll(stream, ListActions); }));
  for (const std::string_view method : {"Handshake", "DoAction", "GetSchema"}) routes.push_back(Refused(clock, method));
  return routes;
}

}  // namespace sw::feast
