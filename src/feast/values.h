// A feature's value as the bytes of Feast's `feast.types.Value`: how values are stored, and sent over gRPC.
//
//   std::string bytes = SW_TRY(EncodeValue(Json(3), ValueType::INT64));
//   AppendValueJson(bytes, body);                                   // 3
//
// No bytes at all are a null. In a Value the number of a field is the number of its type. Pure.
#pragma once

#include <proto/feast_types.pb.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "feast/project.h"

namespace sw::feast {

inline bool IsNullValue(std::string_view bytes) { return bytes.empty() || static_cast<unsigned char>(bytes[0]) == 0x98; }

void AppendIntValue(std::string& out, ValueType type, std::int64_t value);  // INT32, INT64, BOOL, UNIX_TIMESTAMP
void AppendDoubleValue(std::string& out, double value);
void AppendFloatValue(std::string& out, float value);
void AppendTextValue(std::string& out, ValueType type, std::string_view value);  // STRING, BYTES, UUID, DECIMAL, JSON, ...

// What a data frame's cell becomes in a feature of the type, as Feast converts it; but exactly: what does not fit is
// INVALID_ARGUMENT and not cut. Bytes are base64. INVALID: the type follows from the value.
Result<std::string> EncodeValue(const Json& value, ValueType type);

// As Feast's feature server writes it: bytes in base64, NaN and infinities as texts, lists of values. Bytes that are
// no Value print as null.
void AppendValueJson(std::string_view bytes, std::string& out);

std::string_view TypeName(ValueType type);  // "INT64"

// base64 with padding (RFC 4648).
void AppendBase64(std::string& out, std::string_view bytes);
Result<std::string> DecodeBase64(std::string_view text);

}  // namespace sw::feast
