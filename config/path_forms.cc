// The forms of config/forms.h that name something on the disk.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/ascii.h"
#include "config/forms.h"

namespace selvage::config {
namespace {

namespace fs = std::filesystem;

enum class Empty : std::uint8_t { Allowed, Refused };

// The text of a path, not resolved yet.
std::optional<std::string> path_text(const Value& value, Reading& reading, std::string_view path, Empty empty) {
    const auto* text = std::get_if<std::string>(&value.content);
    if (text == nullptr || std::ranges::any_of(*text, is_control) || (text->empty() && empty == Empty::Refused)) {
        reading.wrong(path, empty == Empty::Refused ? "a folder" : "a path", value);
        return std::nullopt;
    }
    return *text;
}

void check_folder(const std::string& folder, const Value& value, Reading& reading, std::string_view path) {
    std::error_code error;
    const fs::file_status status = fs::status(folder, error);
    if (!fs::exists(status)) {
        reading.mistake(value.at, fmt::format("{}: expected a folder; {}: {}", path, folder, error.message()));
    } else if (!fs::is_directory(status)) {
        reading.mistake(value.at, fmt::format("{}: expected a folder; {} is none", path, folder));
    }
}

void check_file(const std::string& file, const Value& value, Reading& reading, std::string_view path) {
    if (::access(file.c_str(), R_OK) != 0) {
        const std::string reason = std::generic_category().message(errno);
        reading.mistake(value.at, fmt::format("{}: expected a readable file; {}: {}", path, file, reason));
    } else if (std::error_code ignored; fs::is_directory(file, ignored)) {
        reading.mistake(value.at, fmt::format("{}: expected a readable file; {} is a folder", path, file));
    }
}

}  // namespace

Form<std::string> folder() {
    return {.type = "folder",
            .bounds = {},
            .unit = {},
            .read = [](const Value& value, Reading& reading, std::string_view path) -> std::optional<std::string> {
                auto text = path_text(value, reading, path, Empty::Refused);
                if (!text) return std::nullopt;
                std::string resolved = reading.resolve(*text);
                if (reading.checks_disk()) check_folder(resolved, value, reading, path);
                return resolved;
            },
            .write = quoted};
}

Form<std::string> readable_file() {
    return {.type = "file",
            .bounds = {},
            .unit = {},
            .read = [](const Value& value, Reading& reading, std::string_view path) -> std::optional<std::string> {
                auto text = path_text(value, reading, path, Empty::Allowed);
                if (!text) return std::nullopt;
                std::string resolved = reading.resolve(*text);
                if (!resolved.empty() && reading.checks_disk()) check_file(resolved, value, reading, path);
                return resolved;
            },
            .write = quoted};
}

Form<std::string> any_path() {
    return {.type = "path",
            .bounds = {},
            .unit = {},
            .read = [](const Value& value, Reading& reading, std::string_view path) -> std::optional<std::string> {
                auto text = path_text(value, reading, path, Empty::Allowed);
                return text ? std::optional(reading.resolve(*text)) : std::nullopt;
            },
            .write = quoted};
}

Form<std::string> log_target() {
    Form<std::string> form = any_path();
    form.read = [](const Value& value, Reading& reading, std::string_view path) -> std::optional<std::string> {
        auto text = path_text(value, reading, path, Empty::Allowed);
        if (!text || *text == "stderr") return text;
        return reading.resolve(*text);
    };
    return form;
}

}  // namespace selvage::config
