#pragma once

#include <fmt/format.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

namespace selvage {

enum class LogLevel : std::uint8_t { Debug, Info, Warn, Error, Off };

std::optional<LogLevel> parse_log_level(std::string_view name);  // "debug" "info" "warn" "error" "off"
std::string_view name_of(LogLevel level);

// The program's own log: one line per event on a descriptor (stderr), "2026-11-20T10:00:00.123Z info listener: https://…".
//
// Passed by reference to whoever writes; thread-safe, a line is one write(2). Control bytes in a message are escaped, so that
// nothing a peer sends can forge a line.
class Log {
public:
    explicit Log(int descriptor, LogLevel level) : descriptor_(descriptor), level_(level) {}
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    void set_level(LogLevel level) { level_.store(level, std::memory_order_relaxed); }
    bool enabled(LogLevel level) const { return level >= level_.load(std::memory_order_relaxed); }

    template <typename... Args>
    void debug(std::string_view topic, fmt::format_string<Args...> format, Args&&... args) {
        if (enabled(LogLevel::Debug)) write(LogLevel::Debug, topic, fmt::format(format, std::forward<Args>(args)...));
    }
    template <typename... Args>
    void info(std::string_view topic, fmt::format_string<Args...> format, Args&&... args) {
        if (enabled(LogLevel::Info)) write(LogLevel::Info, topic, fmt::format(format, std::forward<Args>(args)...));
    }
    template <typename... Args>
    void warn(std::string_view topic, fmt::format_string<Args...> format, Args&&... args) {
        if (enabled(LogLevel::Warn)) write(LogLevel::Warn, topic, fmt::format(format, std::forward<Args>(args)...));
    }
    template <typename... Args>
    void error(std::string_view topic, fmt::format_string<Args...> format, Args&&... args) {
        if (enabled(LogLevel::Error)) write(LogLevel::Error, topic, fmt::format(format, std::forward<Args>(args)...));
    }

    void write(LogLevel level, std::string_view topic, std::string_view message);

private:
    int descriptor_;
    std::atomic<LogLevel> level_;
};

}  // namespace selvage
