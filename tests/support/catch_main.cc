// The main() of every unit test program. Must be compiled without the precompiled header: Catch reads the macro once.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // g++ 12 with sanitizers, in std::regex as Catch uses it
#endif
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
