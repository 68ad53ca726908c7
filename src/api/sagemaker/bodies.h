// Bodies: what SageMaker's clients post, in each of its content types, as rows of an endpoint's request.
// Inside this room only. Hostile input. Pure.
//
//   const auto type = ParseBodyType(request.headers.Get("Content-Type"));
//   data::Batch rows = SW_TRY(ReadRows(schema, *type, request.body));
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "data/batch.h"

namespace sw::sagemaker {

enum class BodyType : std::uint8_t { kCsv, kJson, kJsonLines, kLibsvm, kRecordIo };
// "text/csv; charset=utf-8" is kCsv; none for a type that is not read.
std::optional<BodyType> ParseBodyType(std::string_view header);
std::string_view BodyTypeName(BodyType type);
std::string BodyTypeNames();  // for people

// At least one row, in the order of the body; CSV has no header. INVALID_ARGUMENT names line or record.
Result<data::Batch> ReadRows(const data::Schema& request, BodyType type, std::string_view body);

}  // namespace sw::sagemaker
