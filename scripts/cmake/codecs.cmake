# Where the codecs of images come from: one provider of transforms/engine/providers/, and `selvage_codecs`, what only it links.
#   debian   Debian 12's libraries (default)
#   newer    one library with newer ones, which scripts/codecs fetches into build/codecs
#   FOLDER   the same from another folder: include/, lib/
set(SELVAGE_CODECS debian CACHE STRING "Codecs of images: debian, newer, or a folder with include/ and lib/ as scripts/codecs leaves it")

add_library(selvage_codecs INTERFACE)
if(SELVAGE_CODECS STREQUAL "debian")
  set(SELVAGE_PROVIDER debian)
  target_link_libraries(selvage_codecs INTERFACE PkgConfig::vips PkgConfig::heif PkgConfig::fontconfig PkgConfig::pixbuf)
  return()
endif()

set(SELVAGE_PROVIDER newer)
set(folder ${SELVAGE_CODECS})
if(SELVAGE_CODECS STREQUAL "newer")
  set(folder ${CMAKE_SOURCE_DIR}/build/codecs)
endif()
file(GLOB library ${folder}/lib/libvips-cpp.so.*)
list(LENGTH library found)
if(NOT found EQUAL 1)
  message(FATAL_ERROR "SELVAGE_CODECS=${SELVAGE_CODECS}: ${folder}/lib has ${found} libraries libvips-cpp.so.*: run scripts/codecs")
endif()
# A shared library beside the worker, found relative to it: whoever gets the programs can put another in its place, as the LGPL asks.
file(COPY ${library} ${folder}/README.md ${folder}/versions.json
  DESTINATION ${CMAKE_BINARY_DIR}/codecs)
get_filename_component(name ${library} NAME)
add_library(selvage_vips SHARED IMPORTED)
set_target_properties(selvage_vips PROPERTIES IMPORTED_LOCATION ${CMAKE_BINARY_DIR}/codecs/${name})
target_include_directories(selvage_vips SYSTEM INTERFACE ${folder}/include ${folder}/include/glib-2.0 ${folder}/lib/glib-2.0/include)
target_link_libraries(selvage_codecs INTERFACE selvage_vips)
set(CMAKE_BUILD_RPATH_USE_ORIGIN ON)
