#include "tests/support/allocations.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <execinfo.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SELVAGE_SANITIZED_ALLOCATOR
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SELVAGE_SANITIZED_ALLOCATOR
#endif
#ifdef SELVAGE_SANITIZED_ALLOCATOR
#include <sanitizer/allocator_interface.h>
#endif

namespace selvage::testing {

namespace {

constexpr std::size_t kFrames = 24, kPlaces = 512;

struct Place {
    std::array<void*, kFrames> calls{};
    std::size_t depth = 0;
    std::size_t count = 0;
};

// Plain arrays: what counts allocations must make none.
thread_local bool counting = false;
thread_local std::size_t counted = 0;
thread_local std::array<Place, kPlaces> places;

void note() {
    if (!counting) return;
    counting = false;  // what backtrace() itself allocates
    ++counted;
    Place here;
    here.depth = static_cast<std::size_t>(backtrace(here.calls.data(), kFrames));
    for (Place& place : places) {
        if (place.count != 0 && place.calls != here.calls) continue;
        const std::size_t before = place.count;
        place = here;
        place.count = before + 1;
        break;
    }
    counting = true;
}

// "program(_ZN3fooEv+0x12) [0x55…]" as foo() where it can be.
std::string readable(std::string symbol) {
    const std::size_t begin = symbol.find('('), end = symbol.find('+', begin);
    if (begin == std::string::npos || end == std::string::npos) return symbol;
    const std::string name = symbol.substr(begin + 1, end - begin - 1);
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> plain(abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status),
                                                            &std::free);
    return status == 0 ? std::string(plain.get()) : symbol;
}

}  // namespace

void Allocations::begin() {
#ifdef SELVAGE_SANITIZED_ALLOCATOR
    static const int installed =
        __sanitizer_install_malloc_and_free_hooks([](const volatile void*, std::size_t) { note(); }, [](const volatile void*) {});
    if (installed == 0) std::abort();
#endif
    std::array<void*, 1> once;
    backtrace(once.data(), 1);  // the first call loads a library
    counted = 0;
    counting = true;
}

void Allocations::end() {
    counting = false;
    count_ += counted;
}

std::size_t Allocations::within(std::string_view library) const {
    std::size_t count = 0;
    for (const Place& place : places) {
        const bool there = std::any_of(place.calls.begin(), place.calls.begin() + place.depth, [&](void* call) {
            Dl_info where{};
            return dladdr(call, &where) != 0 && std::string_view(where.dli_fname).find(library) != std::string_view::npos;
        });
        if (there) count += place.count;
    }
    return count;
}

void Allocations::forget() {
    count_ = 0;
    places = {};
}

std::string Allocations::report() const {
    std::string text;
    for (const Place& place : places) {
        if (place.count == 0) continue;
        text += std::to_string(place.count) + " allocations in\n";
        const std::unique_ptr<char*, decltype(&std::free)> names(
            backtrace_symbols(place.calls.data(), static_cast<int>(place.depth)), &std::free);
        for (std::size_t i = 0; i < place.depth; ++i) text += "    " + readable(names.get()[i]) + '\n';
    }
    return text;
}

}  // namespace selvage::testing

// glibc's allocator with a count before it. The sanitizers have their own allocator, and a hook for this.
#ifndef SELVAGE_SANITIZED_ALLOCATOR
extern "C" {
void* __libc_malloc(std::size_t size);                           // NOLINT
void* __libc_calloc(std::size_t count, std::size_t size);        // NOLINT
void* __libc_realloc(void* old, std::size_t size);               // NOLINT
void* __libc_memalign(std::size_t alignment, std::size_t size);  // NOLINT

void* malloc(std::size_t size) {
    selvage::testing::note();
    return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
    selvage::testing::note();
    return __libc_calloc(count, size);
}
void* realloc(void* old, std::size_t size) {
    selvage::testing::note();
    return __libc_realloc(old, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
    selvage::testing::note();
    return __libc_memalign(alignment, size);
}
int posix_memalign(void** made, std::size_t alignment, std::size_t size) {
    selvage::testing::note();
    *made = __libc_memalign(alignment, size);
    return *made ? 0 : ENOMEM;
}
}
#endif
