#include "config/reading.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <tuple>

namespace selvage::config {

Reading::Reading(std::string file, Disk disk) : file_(std::move(file)), disk_(disk) {}

void Reading::mistake(Position at, std::string message) {
    diagnostics_.push_back({.file = file_, .line = at.line, .column = at.column, .message = std::move(message)});
}

void Reading::wrong(std::string_view path, std::string_view expected, const Value& value) {
    mistake(value.at, fmt::format("{}: expected {}, not {}", path, expected, describe(value)));
}

std::string Reading::resolve(std::string_view path) const {
    if (path.empty()) return {};
    const auto folder = std::filesystem::path(file_).parent_path();
    return (folder / path).lexically_normal().string();
}

std::vector<Diagnostic> Reading::diagnostics() && {
    std::ranges::sort(diagnostics_, {}, [](const Diagnostic& d) { return std::tie(d.line, d.column, d.message); });
    return std::move(diagnostics_);
}

}  // namespace selvage::config
