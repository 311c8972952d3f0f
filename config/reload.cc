// needs_restart() of config/loader.h.
#include "config/loader.h"
#include "config/options.h"

namespace selvage::config {

std::vector<std::string> needs_restart(const Config& before, const Config& after) {
    std::vector<std::string> names;
    for (const auto& option : program_options()) {
        if (option.effect == Effect::Live || option.write(before) == option.write(after)) continue;
        names.emplace_back(option.path);
    }
    return names;
}

}  // namespace selvage::config
