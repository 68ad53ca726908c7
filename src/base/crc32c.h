// The two ways of Crc32c (hash.h), for it and for its test: by tables on any CPU, and by the instruction that
// x86 has for it since SSE 4.2. Both continue from `crc`, with the same result. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace sw::base {

std::uint32_t Crc32cByTables(std::string_view bytes, std::uint32_t crc);
#if defined(__x86_64__)
std::uint32_t Crc32cByInstruction(std::string_view bytes, std::uint32_t crc);  // needs SSE 4.2
#endif

}  // namespace sw::base
