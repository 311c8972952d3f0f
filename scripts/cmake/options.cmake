# How every target of the project is compiled. `selvage_compile` is linked by all of them.
add_library(selvage_compile INTERFACE)
target_include_directories(selvage_compile INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(selvage_compile INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual -Wconversion -Wno-sign-conversion
  -Wcast-align -Wunused -Werror -fno-omit-frame-pointer)
# missing-field-initializers: designated initialisers that leave defaults are the point of having defaults.
target_compile_options(selvage_compile INTERFACE -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # False alarms of g++ 12 when optimising: restrict in libstdc++'s own string concatenation (GCC PR 105651), maybe-uninitialized in
  # std::variant and std::expected. Clang and the sanitizers look for the real ones.
  target_compile_options(selvage_compile INTERFACE -Wno-restrict -Wno-maybe-uninitialized)
endif()
if(SELVAGE_SANITIZE)
  target_compile_options(selvage_compile INTERFACE -fsanitize=${SELVAGE_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(selvage_compile INTERFACE -fsanitize=${SELVAGE_SANITIZE})
  if(SELVAGE_FUZZ)
    # The coverage that libFuzzer steers by; the fuzz targets themselves link with -fsanitize=fuzzer.
    target_compile_options(selvage_compile INTERFACE -fsanitize=fuzzer-no-link)
    target_link_options(selvage_compile INTERFACE -fsanitize=fuzzer-no-link)
  endif()
else()
  target_compile_definitions(selvage_compile INTERFACE $<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
  target_compile_options(selvage_compile INTERFACE -fstack-protector-strong)
endif()
target_link_options(selvage_compile INTERFACE -Wl,-z,relro,-z,now)

# selvage_library(NAME SOURCES-GLOBS…): one library of a folder. A new file needs no line here.
function(selvage_library name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${ARGN})
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC selvage_compile)
endfunction()
