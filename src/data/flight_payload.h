// Tables as Arrow Flight carries them: messages of Arrow's IPC format, header and body apart.
//
//   FlightEncoder encoder = SW_TRY(FlightEncoder::Make(table));
//   while (auto message = SW_TRY(encoder.Next())) Send(message->header, message->body);
//
//   FlightDecoder decoder({.bytes_max = 64 << 20});
//   SW_TRY(decoder.Add({header, body}));                       // each message of an upload
//   RawTable table = SW_TRY(decoder.Finish());
//
// The decoder takes hostile input: sizes, offsets and indices are checked before anything is read by them. One
// owner each.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/raw_table.h"

namespace sw::data {

struct FlightMessage {
  std::string header;
  std::string body;
};

class FlightEncoder {
 public:
  static Result<FlightEncoder> Make(RawTable table);
  // The schema first, then dictionaries and batches of about a megabyte; none at the end.
  Result<std::optional<FlightMessage>> Next();

 private:
  struct State;
  explicit FlightEncoder(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

// A schema as FlightInfo has it: one whole IPC message.
Result<std::string> EncodeFlightSchema(const RawTable& table);

class FlightDecoder {
 public:
  struct Limits {
    std::size_t bytes_max = std::size_t{512} << 20;  // of all messages; and eight times that when decompressed
    std::size_t messages_max = 1'000'000;
  };
  explicit FlightDecoder(Limits limits) : limits_(limits) {}
  Status Add(FlightMessage message);  // RESOURCE_EXHAUSTED
  std::size_t bytes() const { return bytes_; }
  Result<RawTable> Finish();

 private:
  Limits limits_;
  std::size_t bytes_ = 0;
  std::vector<FlightMessage> messages_;
};

}  // namespace sw::data
