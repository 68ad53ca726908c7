// A stream's place on disk: its name as a folder name, and its settings in stream.json.
//
//   StreamFolderName("predictions/nyc flights").value() == "predictions%2Fnyc%20flights"
//
// Immutable functions; names are hostile.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/logbook.h"

namespace sw::store {

inline constexpr std::size_t kStreamFolderBytesMax = 200;
inline constexpr std::int32_t kPartitionsMax = 1024;

// Escapes all but letters, digits, '_', '-' and inner '.', so that no name leaves its folder or
// shares one. INVALID_ARGUMENT when a part is empty or the result too long.
Result<std::string> StreamFolderName(std::string_view stream);
Status CheckStreamSpec(const StreamSpec& spec);
Json StreamSpecToJson(const StreamSpec& spec);
// Nothing where there is no stream.json yet.
Result<std::optional<StreamSpec>> ReadStreamSpec(const std::string& folder);
Status WriteStreamSpec(const std::string& folder, const StreamSpec& spec);

}  // namespace sw::store
