#include "server/representations/stored.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace selvage::representations {

namespace {

bool take_number(std::string_view text, std::uint32_t& into) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string to_meta(const Facts& facts) {
    std::string meta =
        fmt::format("type={}\netag={}\nwidth={}\nheight={}\nsource_width={}\nsource_height={}\ninterim={}\n", facts.media_type,
                    facts.etag, facts.width, facts.height, facts.source_width, facts.source_height, facts.interim ? 1 : 0);
    if (facts.quality != 0) meta += fmt::format("quality={}\n", facts.quality);
    if (facts.score != 0) meta += fmt::format("score={}\n", facts.score);
    // A decoded path may hold anything: a line of its own only when it is one.
    const bool is_line = std::ranges::none_of(facts.made_for, [](char c) { return static_cast<unsigned char>(c) < ' '; });
    if (is_line && !facts.made_for.empty()) meta += fmt::format("for={}\n", facts.made_for);
    return meta;
}

bool is_better(const Facts& facts, std::uint64_t size, const Facts& before, std::uint64_t size_before) {
    return size < size_before || facts.score > before.score;
}

std::optional<Facts> from_meta(std::string_view meta) {
    Facts facts;
    while (!meta.empty()) {
        const std::size_t end = meta.find('\n');
        if (end == std::string_view::npos) return std::nullopt;
        const std::string_view line = meta.substr(0, end);
        meta.remove_prefix(end + 1);
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos) return std::nullopt;
        const std::string_view key = line.substr(0, equals);
        const std::string_view value = line.substr(equals + 1);
        bool good = true;
        if (key == "type") facts.media_type = value;
        if (key == "etag") facts.etag = value;
        if (key == "width") good = take_number(value, facts.width);
        if (key == "height") good = take_number(value, facts.height);
        if (key == "source_width") good = take_number(value, facts.source_width);
        if (key == "source_height") good = take_number(value, facts.source_height);
        if (key == "quality") good = take_number(value, facts.quality);
        if (key == "score") good = take_number(value, facts.score);
        if (key == "interim") facts.interim = value == "1";
        if (key == "for") facts.made_for = value;
        if (!good) return std::nullopt;
    }
    return facts;
}

}  // namespace selvage::representations
