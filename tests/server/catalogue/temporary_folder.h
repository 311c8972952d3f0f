#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace selvage::testing {

// A folder of its own for one test, removed with all that is in it.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "selvage-test-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    const std::filesystem::path& path() const { return path_; }
    std::string at(std::string_view name) const { return (path_ / name).string(); }

    void make(std::string_view name) const { std::filesystem::create_directories(path_ / name); }
    // In place: the same inode when the file is there already.
    void write(std::string_view name, std::string_view content) const {
        std::ofstream file(path_ / name, std::ios::binary | std::ios::trunc);
        file << content;
    }
    // As careful deploys do: a temporary name, then a rename over the old file.
    void replace(std::string_view name, std::string_view content) const {
        write(std::string(name) + ".new", content);
        std::filesystem::rename(path_ / (std::string(name) + ".new"), path_ / name);
    }
    void rename(std::string_view from, std::string_view to) const { std::filesystem::rename(path_ / from, path_ / to); }
    void remove(std::string_view name) const { std::filesystem::remove_all(path_ / name); }
    void link(std::string_view target, std::string_view name) const { std::filesystem::create_symlink(target, path_ / name); }

private:
    std::filesystem::path path_;
};

}  // namespace selvage::testing
