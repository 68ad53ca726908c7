// Compression of bodies: gzip and deflate (zlib's form, RFC 1950), both ways. Hostile input. Pure.
//
//   std::string body = SW_TRY(Decompress(Encoding::kGzip, bytes, limits.body_bytes_max));
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sw::net {

enum class Encoding : std::uint8_t { kIdentity, kGzip, kDeflate };
std::string_view EncodingName(Encoding encoding);  // "identity", "gzip", "deflate"

// Of "Content-Encoding: gzip"; nothing for one that is not read, or for several.
std::optional<Encoding> ParseContentEncoding(std::string_view header);
// What an answer may have, by "Accept-Encoding: deflate, gzip;q=0.5": the one of greatest weight, gzip
// of two alike. kIdentity for no header and for what is not understood.
Encoding ChooseEncoding(std::string_view accept);

// Never makes more than `bytes_max`: RESOURCE_EXHAUSTED then, INVALID_ARGUMENT for what is broken, ends
// early or goes on after its end.
Result<std::string> Decompress(Encoding encoding, std::string_view bytes, std::size_t bytes_max);
// For answers: fast, not small.
std::string Compress(Encoding encoding, std::string_view bytes);

// Whether an answer of that media type and length gets smaller enough to be worth it.
bool IsWorthCompressing(std::string_view content_type, std::size_t bytes);

}  // namespace sw::net
