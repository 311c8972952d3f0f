#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/document.h"
#include "config/reading.h"

namespace selvage::config {

// When the change of an option takes effect.
enum class Effect : std::uint8_t { Live, Restart };
enum class Presence : std::uint8_t { Optional, Required };

// One option: a row of the tables below. Parser, diagnostics, reload and the manual (docs/options.md) are made of these rows;
// a new option is a member in config.h and a row in options.cc.
template <typename Owner>
struct Option {
    std::string_view path;  // "server.workers"
    std::string type, bounds, unit;
    std::string_view help;
    Effect effect = Effect::Live;
    Presence presence = Presence::Optional;
    std::function<void(Owner&, const Value&, Reading&)> read;  // keeps the default when the value is wrong
    std::function<std::string(const Owner&)> write;            // the TOML spelling; empty when there is no value
};

// In the order of the manual.
const std::vector<Option<Config>>& program_options();
const std::vector<Option<Site>>& site_options();  // of each [[site]]
const std::vector<Option<Rule>>& rule_options();  // of each [[site.rule]]

}  // namespace selvage::config
