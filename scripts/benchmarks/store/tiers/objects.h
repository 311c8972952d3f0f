#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cache_store/object.h"

// What is stored: objects of a seed. The i-th has the same key, size, meta and body in every process.
namespace selvage::bench {

inline constexpr std::size_t kSmall = 1000;  // bytes of a body, where objects are many

class Objects {
public:
    // Log-normal sizes: median 17 KB, mean 31 KB, as on the web (policies/requests.h has the same).
    Objects();
    // All of them so large.
    explicit Objects(std::size_t bytes);

    Key128 key(std::uint64_t number) const;
    std::size_t size(std::uint64_t number) const;
    std::string meta(std::uint64_t number) const;  // 150 bytes: a response head
    // Allocates, and copies the body: outside of what is measured. All carry `tag`.
    cache_store::ObjectPtr make(std::uint64_t number, std::uint64_t birth) const;
    // Is it the body of that object? Looks at its size, beginning and end.
    bool is_body(std::uint64_t number, std::string_view body) const;

    static cache_store::Tag tag();

private:
    std::string_view bytes(std::uint64_t number) const;

    std::size_t fixed_ = 0;
    std::string pool_;  // random: bodies are pieces of it
};

}  // namespace selvage::bench
