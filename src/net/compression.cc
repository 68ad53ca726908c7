#include "net/compression.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/check.h"
#include "base/errors.h"
#include "base/text.h"
#include "net/http.h"

namespace sw::net {
namespace {

constexpr int kLevel = 1;
constexpr std::size_t kChunkBytes = 64u << 10;
constexpr std::size_t kWorthBytes = 2u << 10;
constexpr std::size_t kBytesMax = 1u << 30;  // zlib counts in 32 bits
constexpr std::string_view kTypes[] = {"application/json", "text/", "application/octet-stream", "application/jsonlines"};

// zlib's own word for a format: 15 is the greatest window, 16 more is gzip.
int WindowBits(Encoding encoding) { return encoding == Encoding::kGzip ? 15 + 16 : 15; }

class Inflater {
 public:
  explicit Inflater(Encoding encoding) { SW_CHECK(inflateInit2(&stream_, WindowBits(encoding)) == Z_OK, "inflateInit2"); }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  z_stream& stream() { return stream_; }

 private:
  z_stream stream_{};
};

// "gzip;q=0.5" is 0.5; without a weight 1, with a wrong one 0.
double WeightOf(std::string_view parameters) {
  parameters = base::Trimmed(parameters);
  if (parameters.empty()) return 1;
  if (!parameters.starts_with("q=")) return 0;
  double weight = 0;
  const auto [end, error] = std::from_chars(parameters.data() + 2, parameters.data() + parameters.size(), weight);
  return error == std::errc() && end == parameters.data() + parameters.size() && weight <= 1 ? weight : 0;
}

}  // namespace

std::string_view EncodingName(Encoding encoding) {
  switch (encoding) {
    case Encoding::kIdentity: return "identity";
    case Encoding::kGzip: return "gzip";
    case Encoding::kDeflate: return "deflate";
  }
  return "identity";
}

std::optional<Encoding> ParseContentEncoding(std::string_view header) {
  header = base::Trimmed(header);
  if (header.empty() || EqualsNoCase(header, "identity")) return Encoding::kIdentity;
  if (EqualsNoCase(header, "gzip") || EqualsNoCase(header, "x-gzip")) return Encoding::kGzip;
  if (EqualsNoCase(header, "deflate")) return Encoding::kDeflate;
  return std::nullopt;
}

Encoding ChooseEncoding(std::string_view accept) {
  Encoding chosen = Encoding::kIdentity;
  double greatest = 0;
  while (!accept.empty()) {
    const std::size_t comma = std::min(accept.find(','), accept.size());
    const std::string_view item = accept.substr(0, comma);
    accept.remove_prefix(std::min(comma + 1, accept.size()));
    const std::size_t semicolon = std::min(item.find(';'), item.size());
    const std::string_view name = base::Trimmed(item.substr(0, semicolon));
    const double weight = WeightOf(item.substr(std::min(semicolon + 1, item.size())));
    const bool is_gzip = EqualsNoCase(name, "gzip");
    if (!is_gzip && !EqualsNoCase(name, "deflate")) continue;
    if (weight > greatest || (weight == greatest && weight > 0 && is_gzip)) {
      greatest = weight;
      chosen = is_gzip ? Encoding::kGzip : Encoding::kDeflate;
    }
  }
  return chosen;
}

Result<std::string> Decompress(Encoding encoding, std::string_view bytes, std::size_t bytes_max) {
  if (encoding == Encoding::kIdentity) return std::string(bytes);
  if (bytes.size() > kBytesMax) return ResourceExhausted("a compressed body of {} bytes is not read", bytes.size());
  Inflater inflater(encoding);
  z_stream& stream = inflater.stream();
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string plain;
  std::array<char, kChunkBytes> chunk;
  int state = Z_OK;
  while (state == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = static_cast<uInt>(chunk.size());
    state = inflate(&stream, Z_NO_FLUSH);
    const std::size_t made = chunk.size() - stream.avail_out;
    if (plain.size() + made > bytes_max) {
      return ResourceExhausted("the body is longer than {} bytes once it is decompressed (limit body_bytes_max)", bytes_max);
    }
    plain.append(chunk.data(), made);
    if (state == Z_OK && made == 0 && stream.avail_in == 0) break;
  }
  if (state != Z_STREAM_END) {
    const bool is_cut = state == Z_OK || state == Z_BUF_ERROR;
    return InvalidArgument("the body is no {}: {}", EncodingName(encoding),
                           is_cut ? "it ends early" : stream.msg == nullptr ? "it is broken" : stream.msg);
  }
  if (stream.avail_in > 0) return InvalidArgument("the body goes on for {} bytes after its {} has ended", stream.avail_in, EncodingName(encoding));
  return plain;
}

std::string Compress(Encoding encoding, std::string_view bytes) {
  if (encoding == Encoding::kIdentity) return std::string(bytes);
  z_stream stream{};
  SW_CHECK(deflateInit2(&stream, kLevel, Z_DEFLATED, WindowBits(encoding), 8, Z_DEFAULT_STRATEGY) == Z_OK, "deflateInit2");
  std::string made(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(made.data());
  stream.avail_out = static_cast<uInt>(made.size());
  const int state = deflate(&stream, Z_FINISH);
  made.resize(made.size() - stream.avail_out);
  deflateEnd(&stream);
  SW_CHECK(state == Z_STREAM_END, "deflate made more than deflateBound");
  return made;
}

bool IsWorthCompressing(std::string_view content_type, std::size_t bytes) {
  if (bytes < kWorthBytes || bytes > kBytesMax) return false;
  return std::ranges::any_of(kTypes, [&](std::string_view type) { return content_type.starts_with(type); });
}

}  // namespace sw::net
