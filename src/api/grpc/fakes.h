// Builders for tests of rooms that answer gRPC: messages from text, and calls of them.
#pragma once

#include <google/protobuf/text_format.h>

#include <string>

#include "base/check.h"
#include "net/grpc.h"
#include "net/http.h"

namespace sw::grpc {

template <typename Message>
Message FromText(const std::string& text) {
  Message message;
  SW_CHECK(google::protobuf::TextFormat::ParseFromString(text, &message), "a message's text");
  return message;
}

inline std::string FrameOf(const google::protobuf::MessageLite& message) {
  std::string frame(net::kGrpcPrefixBytes, '\0');
  message.AppendToString(&frame);
  net::FinishGrpcFrame(frame, false);
  return frame;
}

inline net::Request CallOf(std::string path, const google::protobuf::MessageLite& message) {
  return {.method = net::Method::kPost, .path = std::move(path), .headers = {{"content-type", "application/grpc"}}, .body = FrameOf(message)};
}

// The message of a frame; an error has none.
template <typename Message>
Message AnswerOf(const net::Response& response) {
  SW_CHECK(response.trailers.Get("grpc-status") == "0", "an answer");
  Message message;
  SW_CHECK(message.ParseFromString(response.body.substr(net::kGrpcPrefixBytes)), "an answer's message");
  return message;
}

// "3 message": gRPC's code and what it says.
inline std::string RefusalOf(const net::Response& response) {
  return std::string(response.headers.Get("grpc-status")) + " " + std::string(response.headers.Get("grpc-message"));
}

}  // namespace sw::grpc
