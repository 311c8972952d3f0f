#pragma once

#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

#include "tests/cache_store/torture/trial.h"

namespace selvage::torture {

// How long and from where: CI runs the same trials each time; `scripts/torture store` runs more, from a fresh seed.
inline std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = ::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}
inline std::uint64_t first_seed() { return number_from_environment("SELVAGE_TORTURE_SEED", 2026); }
inline std::uint64_t rounds(std::uint64_t in_ci) { return in_ci * number_from_environment("SELVAGE_TORTURE_TIMES", 1); }

// A folder of its own for a trial; in memory where there is such a place, as nothing in it is to last.
class Ground {
public:
    Ground() {
        const std::filesystem::path memory = "/dev/shm";
        std::error_code ignored;
        auto pattern = ((std::filesystem::is_directory(memory, ignored) ? memory : std::filesystem::temp_directory_path()) /
                        "selvage-torture-XXXXXX")
                           .string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
        path_ = pattern;
    }
    ~Ground() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Ground(const Ground&) = delete;
    Ground& operator=(const Ground&) = delete;

    std::string path() const { return path_.string(); }
    std::filesystem::path log() const { return path_ / "objects" / "log-1"; }
    std::filesystem::path segment(unsigned number) const { return log() / fmt::format("segment.{:05}", number); }

private:
    std::filesystem::path path_;
};

inline std::string told(const Trial& trial) {
    std::string text = fmt::format("{} wrong, {} hits, {} misses", trial.wrong.size(), trial.hits, trial.misses);
    for (std::size_t line = 0; line < trial.wrong.size() && line < 8; ++line) text += "\n  " + trial.wrong[line];
    return text;
}

}  // namespace selvage::torture
