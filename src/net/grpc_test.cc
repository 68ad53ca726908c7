#include "net/grpc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "net/compression.h"

namespace sw::net {
namespace {

using testing::HasSubstr;

std::string FrameOf(std::string_view message, char flag = 0) {
  std::string frame(kGrpcPrefixBytes, '\0');
  frame += message;
  FinishGrpcFrame(frame, false);
  frame[0] = flag;
  return frame;
}

TEST(Grpc, KnowsItsMediaTypes) {
  for (const char* type : {"application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8"}) {
    EXPECT_TRUE(IsGrpc({{"Content-Type", type}})) << type;
  }
  for (const char* type : {"application/grpc-web", "application/json", "", "application/grpcx"}) {
    EXPECT_FALSE(IsGrpc({{"content-type", type}})) << type;
  }
}

TEST(Grpc, ReadsTimeouts) {
  const std::pair<const char*, std::int64_t> cases[] = {
      {"1H", 3'600'000'000'000}, {"2M", 120'000'000'000}, {"3S", 3'000'000'000}, {"150m", 150'000'000}, {"7u", 7'000}, {"9n", 9},
      {"99999999H", INT64_MAX / 3'600'000'000'000 * 3'600'000'000'000}, {"0n", 0}};
  for (const auto& [text, ns] : cases) EXPECT_EQ(GrpcTimeoutNs({{"grpc-timeout", text}}).value(), ns) << text;
  EXPECT_EQ(GrpcTimeoutNs({}).value(), std::nullopt);
  for (const char* text : {"", "S", "5", "-1S", "1s", "1.5S", "123456789S", "1 S", "0x1S"}) {
    EXPECT_FALSE(GrpcTimeoutNs({{"grpc-timeout", text}})) << text;
  }
}

TEST(Grpc, WritesAnErrorSoThatHeadersCanCarryIt) {
  const Response response = GrpcErrorResponse(InvalidArgument("no column \xc3\xa9 in 100%\r\n").error(), std::string("\x08\x03", 2));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.Get("grpc-status"), "3");
  EXPECT_EQ(response.headers.Get("grpc-message"), "no column %C3%A9 in 100%25%0D%0A");
  EXPECT_EQ(response.headers.Get("grpc-status-details-bin"), "CAM");
  EXPECT_EQ(GrpcTrailers(Ok()).Get("grpc-status"), "0");
}

TEST(Grpc, TakesTheOnlyMessageOfAUnaryRequest) {
  std::string plain;
  EXPECT_EQ(UnaryGrpcMessage({}, FrameOf("abc"), 100, &plain).value(), "abc");
  EXPECT_EQ(UnaryGrpcMessage({}, FrameOf(""), 100, &plain).value(), "");
  const std::string packed = FrameOf(Compress(Encoding::kGzip, std::string(5'000, 'x')), 1);
  EXPECT_EQ(UnaryGrpcMessage({{"grpc-encoding", "gzip"}}, packed, 5'000, &plain).value(), std::string(5'000, 'x'));
}

TEST(Grpc, RefusesWhatIsNoUnaryRequest) {
  std::string plain;
  const auto error_of = [&](const Headers& headers, const std::string& body, std::size_t bytes_max = 1'000) {
    const Result<std::string_view> message = UnaryGrpcMessage(headers, body, bytes_max, &plain);
    return message ? "fine" : message.error().ToString();
  };
  EXPECT_THAT(error_of({}, ""), HasSubstr("INTERNAL: a unary gRPC request has no whole message"));
  EXPECT_THAT(error_of({}, "\0\0\0"), HasSubstr("no whole message"));
  EXPECT_THAT(error_of({}, FrameOf("abc").substr(0, 7)), HasSubstr("ends after 2 of 3"));
  EXPECT_THAT(error_of({}, FrameOf("abc") + FrameOf("d")), HasSubstr("more than one message"));
  EXPECT_THAT(error_of({}, FrameOf("abc", 1)), HasSubstr("grpc-encoding says nothing"));
  EXPECT_THAT(error_of({}, FrameOf("abc", 2)), HasSubstr("neither 0 nor 1"));
  EXPECT_THAT(error_of({{"grpc-encoding", "gzip"}}, FrameOf("abc", 1)), HasSubstr("INTERNAL: a compressed gRPC message cannot be read"));
  EXPECT_THAT(error_of({{"grpc-encoding", "deflate"}}, FrameOf("abc")), HasSubstr("UNIMPLEMENTED: grpc-encoding deflate"));
  EXPECT_THAT(error_of({}, FrameOf(std::string(1'001, 'x'))), HasSubstr("RESOURCE_EXHAUSTED: a message of 1001 bytes"));
  EXPECT_THAT(error_of({}, std::string("\0\xff\xff\xff\xff", 5)), HasSubstr("RESOURCE_EXHAUSTED"));
  const std::string bomb = FrameOf(Compress(Encoding::kGzip, std::string(1'000'000, 'x')), 1);
  EXPECT_THAT(error_of({{"grpc-encoding", "gzip"}}, bomb, 100'000), HasSubstr("RESOURCE_EXHAUSTED"));
}

TEST(Grpc, ReadsMessagesHoweverTheyAreCut) {
  const std::string bytes = FrameOf("first") + FrameOf("") + FrameOf(std::string(300, 'z'));
  for (const std::size_t piece : {1u, 2u, 5u, 7u, 311u, 1000u}) {
    GrpcReader reader(false, 1'000);
    std::vector<std::string> messages;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      reader.Add(std::string_view(bytes).substr(at, piece));
      for (auto message = reader.Next(); message.value(); message = reader.Next()) messages.push_back(**message);
    }
    EXPECT_THAT(messages, testing::ElementsAre("first", "", std::string(300, 'z'))) << piece;
    EXPECT_TRUE(reader.IsBetweenMessages());
  }
}

TEST(Grpc, CompressesWhatIsWorthIt) {
  std::string frame(kGrpcPrefixBytes, '\0');
  frame += std::string(10'000, 'x');
  FinishGrpcFrame(frame, true);
  EXPECT_LT(frame.size(), 1'000u);
  std::string plain;
  EXPECT_EQ(UnaryGrpcMessage({{"grpc-encoding", "gzip"}}, frame, 20'000, &plain).value().size(), 10'000u);
  std::string small = FrameOf("abc");
  FinishGrpcFrame(small, true);
  EXPECT_EQ(small, FrameOf("abc"));
}

}  // namespace
}  // namespace sw::net
