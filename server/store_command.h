#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace selvage::server {

// `selvage cache ls|stat|verify`: what is in a cache folder, read beside a running server or without one.
struct StoreCommand {
    enum class Verb { List, Stat, Verify } verb = Verb::Stat;
    std::string folder;
    bool json = false;
    std::optional<std::size_t> limit;  // of List
};

// Prints on stdout, and on stderr why it cannot. Returns the exit status: 1 when there is no store that can be read, and for
// Verify when anything is wrong with it.
int run_store_command(const StoreCommand& command);

}  // namespace selvage::server
