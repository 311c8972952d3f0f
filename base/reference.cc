#include "base/reference.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/html_tags.h"
#include "base/url.h"

namespace selvage {

namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = to_lower(c);
    return out;
}

// What follows the authority of an absolute URL of this site; the reference itself when it is relative.
std::optional<std::string_view> without_origin(std::string_view reference, std::span<const std::string> hosts) {
    const auto colon = reference.find_first_of(":/?");
    if (colon != std::string_view::npos && reference[colon] == ':') {
        const std::string scheme = lower(reference.substr(0, colon));
        if (scheme != "http" && scheme != "https") return std::nullopt;
        reference.remove_prefix(colon + 1);
        if (!reference.starts_with("//")) return std::nullopt;
    }
    if (!reference.starts_with("//")) return reference;
    reference.remove_prefix(2);
    const auto end = std::min(reference.find_first_of("/?"), reference.size());
    if (std::ranges::find(hosts, lower(reference.substr(0, end))) == hosts.end()) return std::nullopt;
    return end == reference.size() ? std::string_view("/") : reference.substr(end);
}

// As it may stand in a request line.
std::string wire_query(std::string_view query) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string out;
    for (const char c : query) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte > 0x20 && byte < 0x7F && c != '"' && c != '<' && c != '>') {
            out.push_back(c);
        } else {
            out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
        }
    }
    return out;
}

}  // namespace

std::optional<std::string> own_target(std::string_view reference, std::string_view page, std::span<const std::string> hosts) {
    reference = trim_html(reference);
    reference = reference.substr(0, reference.find('#'));
    if (reference.empty()) return std::nullopt;
    const auto rest = without_origin(reference, hosts);
    if (!rest) return std::nullopt;
    const TargetParts here = split_target(page), there = split_target(*rest);
    std::string path(there.path);
    if (path.empty()) {
        path = here.path;
    } else if (!path.starts_with('/')) {
        path = std::string(here.path.substr(0, here.path.rfind('/') + 1)) + path;
    }
    const auto normal = normalise_path(path);
    if (!normal || normal->find('%') != std::string::npos) return std::nullopt;
    std::string target = encode_path(*normal);
    if (there.has_query) target += "?" + wire_query(there.query);
    return target;
}

}  // namespace selvage
