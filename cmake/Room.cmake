# sw_room(NAME store
#   SOURCES catalog.cc catalog_sqlite.cc      the room's .cc files (headers need no mention)
#   DEPS    base data                         rooms that it includes
#   LIBS    sw::sqlite sw::fmt                libraries that its .cc files use
#   TESTS   catalog_test.cc                   gives the binary store_test, a ctest test
#   BENCHES catalog_bench.cc                  gives the binary store_bench, built by ./dev bench
#   TEST_DEPS, TEST_LIBS                      what only tests and benchmarks need
#   TEST_TIMEOUT_S 300)                       the default is 300
#
# makes the static library sw_store (api/native: sw_api_native, api_native_test). A room of
# headers only leaves SOURCES out. Includes are written from src/: "store/catalog.h".
#
# Tests run in an empty folder of their own; SW_SOURCE_DIR is the root of the checkout, a string
# literal.
function(sw_room)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;TEST_TIMEOUT_S"
    "SOURCES;DEPS;LIBS;TESTS;BENCHES;TEST_DEPS;TEST_LIBS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "sw_room(${arg_NAME}): unknown words ${arg_UNPARSED_ARGUMENTS}")
  endif()
  string(REPLACE "/" "_" id ${arg_NAME})

  sw_check_room(why ${arg_NAME} "${arg_SOURCES};${arg_TESTS};${arg_BENCHES}"
                "${arg_DEPS};${arg_TEST_DEPS}")
  if(why)
    return()
  endif()

  list(TRANSFORM arg_DEPS REPLACE "/" "_")
  list(TRANSFORM arg_DEPS PREPEND sw_)
  list(TRANSFORM arg_TEST_DEPS REPLACE "/" "_")
  list(TRANSFORM arg_TEST_DEPS PREPEND sw_)
  if(arg_SOURCES)
    add_library(sw_${id} STATIC ${arg_SOURCES})
    target_include_directories(sw_${id} PUBLIC "${PROJECT_SOURCE_DIR}/src")
    target_link_libraries(sw_${id} PUBLIC ${arg_DEPS} PRIVATE ${arg_LIBS})
  else()
    add_library(sw_${id} INTERFACE)
    target_include_directories(sw_${id} INTERFACE "${PROJECT_SOURCE_DIR}/src")
    target_link_libraries(sw_${id} INTERFACE ${arg_DEPS} ${arg_LIBS})
  endif()

  set(test_links sw_${id} ${arg_TEST_DEPS} ${arg_LIBS} ${arg_TEST_LIBS})
  if(arg_TESTS)
    add_executable(${id}_test ${arg_TESTS})
    target_link_libraries(${id}_test PRIVATE ${test_links} sw::gtest)
    target_compile_definitions(${id}_test PRIVATE SW_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    # What is tested is optimised as it ships; the tests themselves compile a fifth faster so.
    target_compile_options(${id}_test PRIVATE $<$<CONFIG:Release>:-O1>)
    sw_test(${id}_test TIMEOUT_S "${arg_TEST_TIMEOUT_S}" COMMAND $<TARGET_FILE:${id}_test>)
  endif()
  if(arg_BENCHES)
    add_executable(${id}_bench EXCLUDE_FROM_ALL ${arg_BENCHES})
    target_link_libraries(${id}_bench PRIVATE ${test_links} sw::benchmark)
    target_compile_definitions(${id}_bench PRIVATE SW_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    set_property(GLOBAL APPEND PROPERTY SW_BENCHES ${id}_bench)
  endif()
endfunction()

# sw_test(NAME [TIMEOUT_S 300] [LABELS ...] COMMAND ...): a ctest test that runs in an empty
# folder of its own, which is removed when it passes.
function(sw_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT_S" "COMMAND;LABELS")
  if(NOT arg_TIMEOUT_S)
    set(arg_TIMEOUT_S 300)
  endif()
  if(SW_SANITIZE)
    math(EXPR arg_TIMEOUT_S "3 * ${arg_TIMEOUT_S}")
  endif()
  add_test(NAME ${name} COMMAND "${PROJECT_SOURCE_DIR}/tools/in_temp_dir" ${arg_COMMAND})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT_S} LABELS "${arg_LABELS}")
  # Tests that kill a child fork it. Arrow, which is not instrumented, waits through libstdc++,
  # which is: that breaks an assertion of the search for lock cycles.
  set(tsan "halt_on_error=1:die_after_fork=0:detect_deadlocks=0")
  set_property(TEST ${name} APPEND PROPERTY ENVIRONMENT
    "SW_SOURCE_DIR=${PROJECT_SOURCE_DIR}" "SW_BUILD_DIR=${PROJECT_BINARY_DIR}" "TZ=UTC"
    "TSAN_OPTIONS=${tsan}:suppressions=${PROJECT_SOURCE_DIR}/tools/tsan.supp"
    "ASAN_OPTIONS=detect_stack_use_after_return=1"
    "UBSAN_OPTIONS=print_stacktrace=1")
endfunction()

# sw_binary(NAME seaworthy SOURCES main.cc DEPS cli): a program, in build/<preset>/bin/. The
# release preset also links it as build/NAME.
function(sw_binary)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME" "SOURCES;DEPS;LIBS")
  sw_check_room(why ${arg_NAME} "${arg_SOURCES}" "${arg_DEPS}")
  if(why)
    return()
  endif()
  list(TRANSFORM arg_DEPS REPLACE "/" "_")
  list(TRANSFORM arg_DEPS PREPEND sw_)
  add_executable(${arg_NAME} ${arg_SOURCES})
  target_include_directories(${arg_NAME} PRIVATE "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(${arg_NAME} PRIVATE ${arg_DEPS} ${arg_LIBS})
  set_target_properties(${arg_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
  install(TARGETS ${arg_NAME} RUNTIME DESTINATION bin)
  if(PROJECT_BINARY_DIR STREQUAL "${PROJECT_SOURCE_DIR}/build/release")
    add_custom_command(TARGET ${arg_NAME} POST_BUILD
      COMMAND ln -sfn release/bin/${arg_NAME} "${PROJECT_SOURCE_DIR}/build/${arg_NAME}"
      VERBATIM)
  endif()
endfunction()

# Sets OUT to why the room cannot be built (a file or a room that is missing), or to "". While
# rooms are being written, that leaves one out without harm to the others; SW_STRICT forbids it.
function(sw_check_room out name files rooms)
  set(missing "")
  foreach(file IN LISTS files)
    if(file AND NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${file}" AND NOT IS_ABSOLUTE "${file}")
      list(APPEND missing "the file ${file}")
    endif()
  endforeach()
  foreach(room IN LISTS rooms)
    string(REPLACE "/" "_" id "${room}")
    if(id AND NOT TARGET sw_${id})
      list(APPEND missing "the room ${room}")
    endif()
  endforeach()
  list(JOIN missing ", " missing)
  if(missing AND SW_STRICT)
    message(FATAL_ERROR "${name} cannot be built: missing ${missing}. Add it, or mend DEPS and "
      "SOURCES in ${CMAKE_CURRENT_SOURCE_DIR}/CMakeLists.txt.")
  elseif(missing)
    message(WARNING "left out ${name}: missing ${missing}")
  endif()
  set(${out} "${missing}" PARENT_SCOPE)
endfunction()
