#include "net/grpc.h"

#include <algorithm>
#include <charconv>

#include "base/errors.h"
#include "net/compression.h"

namespace sw::net {
namespace {

constexpr std::string_view kMediaType = "application/grpc";
constexpr std::size_t kWorthGzipBytes = 2u << 10;
constexpr std::size_t kTimeoutDigitsMax = 8;

// All but printable ASCII, and '%', as %XX.
std::string EncodeMessage(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte <= 0x7e && c != '%') {
      out.push_back(c);
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", byte);
    }
  }
  return out;
}

std::string Base64(std::string_view bytes) {
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k <= count; ++k) out.push_back(kAlphabet[group >> (18 - 6 * k) & 63]);
  }
  return out;  // gRPC leaves the padding out
}

std::size_t PrefixLength(std::string_view prefix) {
  std::size_t length = 0;
  for (std::size_t i = 1; i < kGrpcPrefixBytes; ++i) length = length << 8 | static_cast<unsigned char>(prefix[i]);
  return length;
}

Status CheckPrefix(std::string_view prefix, bool is_gzip, std::size_t bytes_max) {
  if (static_cast<unsigned char>(prefix[0]) > 1) return Internal("the first byte of a gRPC message is neither 0 nor 1");
  if (prefix[0] == 1 && !is_gzip) return Internal("a gRPC message is compressed, but grpc-encoding says nothing of it");
  if (PrefixLength(prefix) <= bytes_max) return Ok();
  return ResourceExhausted("a message of {} bytes is longer than {} (limit body_bytes_max)", PrefixLength(prefix), bytes_max);
}

Result<std::string> Inflate(std::string_view message, std::size_t bytes_max) {
  Result<std::string> plain = Decompress(Encoding::kGzip, message, bytes_max);
  if (plain || plain.error().code == ErrorCode::kResourceExhausted) return plain;
  return Internal("a compressed gRPC message cannot be read: {}", plain.error().message);
}

}  // namespace

bool IsGrpc(const Headers& headers) {
  const std::string_view type = headers.Get("content-type");
  if (!type.starts_with(kMediaType)) return false;
  return type.size() == kMediaType.size() || type[kMediaType.size()] == '+' || type[kMediaType.size()] == ';';
}

int GrpcStatusOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kCancelled: return 1;
    case ErrorCode::kInvalidArgument: return 3;
    case ErrorCode::kDeadlineExceeded: return 4;
    case ErrorCode::kNotFound: return 5;
    case ErrorCode::kAlreadyExists: return 6;
    case ErrorCode::kPermissionDenied: return 7;
    case ErrorCode::kResourceExhausted: return 8;
    case ErrorCode::kFailedPrecondition: return 9;
    case ErrorCode::kUnimplemented: return 12;
    case ErrorCode::kInternal: return 13;
    case ErrorCode::kUnavailable: return 14;
    case ErrorCode::kDataLoss: return 15;
    case ErrorCode::kUnauthenticated: return 16;
    default: return 2;
  }
}

Headers GrpcTrailers(const Status& status, std::string_view details) {
  if (status) return {{"grpc-status", "0"}};
  const Error& error = status.error();
  Headers trailers{{"grpc-status", std::to_string(GrpcStatusOf(error.code))}, {"grpc-message", EncodeMessage(error.message)}};
  if (!details.empty()) trailers.Add("grpc-status-details-bin", Base64(details));
  return trailers;
}

Response GrpcErrorResponse(const Error& error, std::string_view details) {
  Response response{200, {{"content-type", std::string(kMediaType)}}, {}};
  const Headers trailers = GrpcTrailers(std::unexpected(error), details);
  for (const auto& [name, value] : trailers.Fields()) response.headers.Add(name, value);
  return response;
}

Result<std::optional<std::int64_t>> GrpcTimeoutNs(const Headers& headers) {
  const std::string* text = headers.Find("grpc-timeout");
  if (text == nullptr) return std::nullopt;
  std::int64_t count = 0;
  const char* last = text->data() + text->size() - (text->empty() ? 0 : 1);
  const auto [end, error] = std::from_chars(text->data(), last, count);
  const std::string_view units = "HMSmun";
  const std::size_t unit = text->empty() ? units.npos : units.find(text->back());
  const bool is_fine = error == std::errc() && end == last && count >= 0 && text->size() >= 2 &&
                       text->size() <= kTimeoutDigitsMax + 1 && unit != units.npos;
  if (!is_fine) return InvalidArgument("grpc-timeout {} is not a number of up to 8 digits and one of H M S m u n", text->substr(0, 32));
  static constexpr std::int64_t kUnitNs[] = {3'600'000'000'000, 60'000'000'000, 1'000'000'000, 1'000'000, 1'000, 1};
  return std::min(count, INT64_MAX / kUnitNs[unit]) * kUnitNs[unit];
}

Result<bool> IsGrpcGzip(const Headers& headers) {
  const std::string_view encoding = headers.Get("grpc-encoding");
  if (encoding.empty() || encoding == "identity") return false;
  if (encoding == "gzip") return true;
  return Unimplemented("grpc-encoding {} is not read; gzip and identity are", encoding.substr(0, 32));
}

bool AcceptsGrpcGzip(const Headers& headers) {
  return headers.Get("grpc-accept-encoding").find("gzip") != std::string_view::npos;
}

void GrpcReader::Add(std::string_view piece) {
  if (position_ > 0) {
    bytes_.erase(0, position_);
    position_ = 0;
  }
  bytes_.append(piece);
}

Result<std::optional<std::string>> GrpcReader::Next() {
  const std::string_view rest = std::string_view(bytes_).substr(position_);
  if (rest.size() < kGrpcPrefixBytes) return std::nullopt;
  SW_TRY(CheckPrefix(rest, is_gzip_, bytes_max_));
  const std::size_t length = PrefixLength(rest);
  if (rest.size() < kGrpcPrefixBytes + length) return std::nullopt;
  position_ += kGrpcPrefixBytes + length;
  const std::string_view message = rest.substr(kGrpcPrefixBytes, length);
  if (rest[0] == 0) return std::string(message);
  return SW_TRY(Inflate(message, bytes_max_));
}

Result<std::string_view> UnaryGrpcMessage(const Headers& headers, std::string_view body, std::size_t message_bytes_max,
                                          std::string* plain) {
  const bool is_gzip = SW_TRY(IsGrpcGzip(headers));
  if (body.size() < kGrpcPrefixBytes) return Internal("a unary gRPC request has no whole message");
  SW_TRY(CheckPrefix(body, is_gzip, message_bytes_max));
  const std::size_t length = PrefixLength(body);
  if (body.size() < kGrpcPrefixBytes + length) return Internal("a gRPC message ends after {} of {} bytes", body.size() - kGrpcPrefixBytes, length);
  if (body.size() > kGrpcPrefixBytes + length) return Internal("a unary gRPC request has more than one message");
  const std::string_view message = body.substr(kGrpcPrefixBytes);
  if (body[0] == 0) return message;
  *plain = SW_TRY(Inflate(message, message_bytes_max));
  return *plain;
}

void FinishGrpcFrame(std::string& frame, bool may_gzip) {
  const bool is_gzip = may_gzip && frame.size() >= kWorthGzipBytes;
  if (is_gzip) {
    const std::string packed = Compress(Encoding::kGzip, std::string_view(frame).substr(kGrpcPrefixBytes));
    frame.resize(kGrpcPrefixBytes);
    frame += packed;
  }
  const std::size_t length = frame.size() - kGrpcPrefixBytes;
  frame[0] = is_gzip ? 1 : 0;
  for (std::size_t i = 1; i < kGrpcPrefixBytes; ++i) frame[i] = static_cast<char>(length >> (8 * (kGrpcPrefixBytes - 1 - i)) & 0xff);
}

}  // namespace sw::net
