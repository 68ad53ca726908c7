# sw_embed(TARGET sw_eval NAMESPACE sw::eval NAME kEchartsJs FILE "${SW_ECHARTS_JS}")
#
# puts a file's bytes into a library. Code reads them as sw::eval::kEchartsJs, a
# `const std::string_view` declared in "embedded/kEchartsJs.h". Call it after sw_room().
function(sw_embed)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "TARGET;NAMESPACE;NAME;FILE" "")
  cmake_path(ABSOLUTE_PATH arg_FILE NORMALIZE OUTPUT_VARIABLE path)
  if(NOT TARGET ${arg_TARGET})
    return()
  endif()
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/embedded")
  set(symbol "sw_embedded_${arg_NAME}")
  file(CONFIGURE OUTPUT "${folder}/${arg_NAME}.h" CONTENT [[
#pragma once
#include <string_view>
namespace @arg_NAMESPACE@ {
extern const std::string_view @arg_NAME@;
}
]] @ONLY)
  # .incbin takes no time to compile, whatever the file's size.
  file(CONFIGURE OUTPUT "${folder}/${arg_NAME}.cc" CONTENT [[
#include "embedded/@arg_NAME@.h"
asm(R"(
.section .rodata
.balign 16
@symbol@_begin:
.incbin "@path@"
@symbol@_end:
.byte 0
.previous
)");
extern "C" const char sw_begin asm("@symbol@_begin");
extern "C" const char sw_end asm("@symbol@_end");
namespace @arg_NAMESPACE@ {
const std::string_view @arg_NAME@(&sw_begin, static_cast<std::size_t>(&sw_end - &sw_begin));
}
]] @ONLY)
  set_source_files_properties("${folder}/${arg_NAME}.cc" PROPERTIES OBJECT_DEPENDS "${path}")
  target_sources(${arg_TARGET} PRIVATE "${folder}/${arg_NAME}.cc")
  target_include_directories(${arg_TARGET} PRIVATE "${CMAKE_CURRENT_BINARY_DIR}")
endfunction()
