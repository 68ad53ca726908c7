# Third-party libraries as sw:: targets. Each is wrapped by one room, which names it in LIBS of
# its sw_room(); docs/dependencies.md says which and why, tools/tidy checks it.

set(SW_SITE "${SW_DEPS}/venv/lib/python3.11/site-packages")
if(NOT IS_DIRECTORY "${SW_SITE}/pyarrow")
  message(FATAL_ERROR "No pinned libraries in ${SW_DEPS}. Run `./dev setup` first.")
endif()

# Binaries look beside themselves first (a package), then in the wheels (the build tree). This
# also finds lib_lightgbm.so and libonnxruntime.so, which are loaded at run time by those names; the
# wheel calls the latter by its version.
set(SW_LOADED "${CMAKE_BINARY_DIR}/loaded")
file(GLOB SW_ONNXRUNTIME "${SW_SITE}/onnxruntime/capi/libonnxruntime.so.*")
file(MAKE_DIRECTORY "${SW_LOADED}")
file(CREATE_LINK "${SW_ONNXRUNTIME}" "${SW_LOADED}/libonnxruntime.so" SYMBOLIC)
set(CMAKE_BUILD_RPATH
  "\$ORIGIN/../lib" "${SW_SITE}/pyarrow" "${SW_SITE}/lightgbm/lib" "${SW_LOADED}")
set(CMAKE_INSTALL_RPATH "\$ORIGIN/../lib")
add_link_options(-Wl,--enable-new-dtags -Wl,--as-needed)

# A minified build of ECharts, to embed in HTML reports: see sw_embed().
set(SW_ECHARTS_JS "${SW_DEPS}/npm/node_modules/echarts/dist/echarts.min.js")

# sw_system_library(NAME HEADER LIBRARY): a Debian library that is a header and a shared object.
function(sw_system_library name header library)
  find_path(SW_${name}_INCLUDE ${header} REQUIRED)
  find_library(SW_${name}_LIBRARY ${library} REQUIRED)
  mark_as_advanced(SW_${name}_INCLUDE SW_${name}_LIBRARY)
  add_library(sw_lib_${name} INTERFACE)
  target_link_libraries(sw_lib_${name} INTERFACE ${SW_${name}_LIBRARY})
  add_library(sw::${name} ALIAS sw_lib_${name})
endfunction()

# sw_header_library(NAME HEADER [TARGETS...]): headers only, plus what they need to link.
function(sw_header_library name header)
  find_path(SW_${name}_INCLUDE ${header} REQUIRED)
  mark_as_advanced(SW_${name}_INCLUDE)
  add_library(sw_lib_${name} INTERFACE)
  target_link_libraries(sw_lib_${name} INTERFACE ${ARGN})
  add_library(sw::${name} ALIAS sw_lib_${name})
endfunction()

include(Arrow)
sw_system_library(sqlite sqlite3.h sqlite3)
sw_system_library(lmdb lmdb.h lmdb)
sw_system_library(zlib zlib.h z)
sw_system_library(zstd zstd.h zstd)
sw_system_library(xxhash xxhash.h xxhash)
sw_system_library(jemalloc jemalloc/jemalloc.h jemalloc)
sw_system_library(openssl_crypto openssl/evp.h crypto)
sw_system_library(openssl_ssl openssl/ssl.h ssl)
sw_system_library(protobuf google/protobuf/message.h protobuf)
find_program(SW_PROTOC protoc REQUIRED)
sw_system_library(nghttp2 nghttp2/nghttp2.h nghttp2)
sw_header_library(json nlohmann/json.hpp)
sw_header_library(toml toml++/toml.h)
sw_header_library(cli11 CLI/CLI.hpp)
sw_system_library(yaml_cpp yaml-cpp/yaml.h yaml-cpp)
sw_header_library(boost_beast boost/beast/core.hpp Threads::Threads)

find_package(fmt REQUIRED)
add_library(sw_lib_fmt INTERFACE)
target_link_libraries(sw_lib_fmt INTERFACE fmt::fmt)
add_library(sw::fmt ALIAS sw_lib_fmt)

find_package(absl REQUIRED)
add_library(sw_lib_absl_time INTERFACE)
target_link_libraries(sw_lib_absl_time INTERFACE absl::time)
add_library(sw::absl_time ALIAS sw_lib_absl_time)

# ONNX Runtime's C header; the library is loaded at run time.
add_library(sw_lib_onnxruntime INTERFACE)
target_include_directories(sw_lib_onnxruntime SYSTEM INTERFACE "${PROJECT_SOURCE_DIR}/third_party/onnxruntime")
add_library(sw::onnxruntime ALIAS sw_lib_onnxruntime)

# GoogleTest with GoogleMock's matchers, and a main().
find_package(GTest REQUIRED)
add_library(sw_lib_gtest INTERFACE)
target_link_libraries(sw_lib_gtest INTERFACE GTest::gmock GTest::gtest GTest::gmock_main)
add_library(sw::gtest ALIAS sw_lib_gtest)

find_package(benchmark REQUIRED)
add_library(sw_lib_benchmark INTERFACE)
target_link_libraries(sw_lib_benchmark INTERFACE benchmark::benchmark benchmark::benchmark_main)
add_library(sw::benchmark ALIAS sw_lib_benchmark)

# The version as SW_VERSION, a string literal.
add_library(sw_lib_version INTERFACE)
target_compile_definitions(sw_lib_version INTERFACE SW_VERSION="${PROJECT_VERSION}")
add_library(sw::version ALIAS sw_lib_version)
