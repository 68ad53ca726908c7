# Language, warnings, sanitizers, linker and cache: the same for every target.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g -D_GLIBCXX_ASSERTIONS")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

# Results must have the same bits on every build and machine: no fused multiply-add, and never
# fast-math.
add_compile_options(-ffp-contract=off -fno-fast-math)
add_compile_options(-Wall -Wextra -Werror -Wnon-virtual-dtor -Woverloaded-virtual
                    -Wimplicit-fallthrough)
# Debug information and __FILE__ hold paths from the root, so that checkouts share the cache.
add_compile_options("-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=")

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 raises these inside its own string, optional and variant once it inlines (for one,
  # GCC bug 105651). The asan preset and clang look for the real thing.
  add_compile_options(-Wno-restrict -Wno-maybe-uninitialized -Wno-array-bounds
                      -Wno-stringop-overflow -Wno-stringop-overread -Wno-dangling-pointer
                      -Wno-free-nonheap-object)
else()
  # std::stable_sort of libstdc++ 12 is made of std::get_temporary_buffer, which is deprecated.
  add_compile_options(-Wthread-safety -fcolor-diagnostics -Wno-deprecated-declarations)
endif()

if(SW_SANITIZE)
  add_compile_options(-fsanitize=${SW_SANITIZE} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${SW_SANITIZE})
  # A shared sanitizer stands between a program and dlopen(), which then ignores its RUNPATH.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND SW_SANITIZE MATCHES "address")
    add_link_options(-static-libasan)
  elseif(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND SW_SANITIZE MATCHES "thread")
    add_link_options(-static-libtsan)
  endif()
endif()
if(SW_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(SW_MOLD mold)
if(SW_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# Paths are hashed from the root, so that every build folder and worktree shares one cache.
find_program(SW_CCACHE ccache)
if(SW_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1 ${SW_CCACHE})
endif()

find_package(Threads REQUIRED)
