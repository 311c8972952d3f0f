// options_manual() of config/loader.h.
#include <fmt/format.h>

#include "config/options.h"

namespace selvage::config {
namespace {

constexpr std::string_view kIntroduction = R"(# Options

Every option of the configuration file, made from the table in `config/options.cc`; do not edit this page.

The file is TOML. A size is a string such as `"256MiB"`, `"1.5GiB"` or `"10MB"`, or an integer of bytes; a duration is a string
such as `"500ms"`, `"10s"`, `"15m"`, `"1h"`, `"30d"` or `"1w"`, or an integer of seconds. Relative paths begin at the folder of the
file. An unknown key is a mistake: `selvage check FILE` lists all of them.

"Change" says when a changed value takes effect: with the next *reload* (SIGHUP or `POST /reload` on the admin listener; open
connections and requests keep what they began with), or after a *restart*.
)";

// "server" of "server.workers", "image" of "image.quality.jpeg".
std::string_view section_of(std::string_view path) {
    const std::size_t first = path.find('.');
    return path.starts_with("site.rule.") ? "site.rule" : path.substr(0, first);
}

// A bar would end the cell.
std::string cell(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '|') out += '\\';
        out += c;
    }
    return out;
}

template <typename Owner>
std::string default_cell(const Option<Owner>& option) {
    if (option.presence == Presence::Required) return "required";
    const std::string value = option.write(Owner{});
    return value.empty() || value == "\"\"" ? "none" : "`" + cell(value) + "`";
}

template <typename Owner>
void append_section(std::string& page, const std::vector<Option<Owner>>& options, std::string_view brackets) {
    std::string_view section;
    for (const auto& option : options) {
        if (section_of(option.path) != section) {
            section = section_of(option.path);
            page += fmt::format("\n## {}{}{}\n\n", brackets == "[[" ? "[[" : "[", section, brackets == "[[" ? "]]" : "]");
            page += "| option | type | default | bounds | unit | change | |\n|---|---|---|---|---|---|---|\n";
        }
        page += fmt::format("| `{}` | {} | {} | {} | {} | {} | {} |\n", option.path, option.type, default_cell(option),
                            cell(option.bounds), option.unit, option.effect == Effect::Live ? "reload" : "restart",
                            cell(option.help));
    }
}

}  // namespace

std::string options_manual() {
    std::string page(kIntroduction);
    append_section(page, program_options(), "[");
    append_section(page, site_options(), "[[");
    append_section(page, rule_options(), "[[");
    return page;
}

}  // namespace selvage::config
