#pragma once

#include <functional>
#include <span>
#include <string>

#include "contender.h"

namespace selvage::bench {

// Something done many times over.
struct Phase {
    std::uint64_t operations = 0, bytes = 0, failed = 0;
    Spent spent;     // in all
    Spent settling;  // of it, behind the puts
};
std::string json(const Phase& phase);

// Puts objects, from `next` on, until they are so many bytes. Making and freeing them is not counted, but for what waits to be
// written longer than 32 MiB of others.
Phase put(Contender& contender, const Objects& objects, std::uint64_t& next, std::uint64_t bytes);

// Each object of these numbers once. Failed: a miss, or a body of another size; no operation, but its time counts: what is left
// cannot look better for it.
using Reader = std::function<Contender::Read(const Key128&)>;
Phase read(const Reader& reader, const Objects& objects, std::span<const std::uint64_t> numbers);

// Numbers from `begin` to `end`, in an order of the seed, at most so many; those of objects that are read without waiting.
std::vector<std::uint64_t> shuffled(const Objects& objects, std::uint64_t begin, std::uint64_t end, std::size_t most,
                                    std::uint64_t seed);

}  // namespace selvage::bench
