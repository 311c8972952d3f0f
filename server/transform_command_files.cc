#include "server/transform_command_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "base/file_descriptor.h"

namespace selvage::server {

namespace fs = std::filesystem;

namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

std::optional<transforms::Format> format_of_extension(std::string_view extension) {
    const std::string word = lower(extension);
    if (word == "jpe" || word == "jfif") return transforms::Format::Jpeg;
    if (word == "tif") return transforms::Format::Tiff;
    if (word == "heif") return transforms::Format::Heic;
    return transforms::format_named(word);
}

std::string_view extension_of(std::string_view path) {
    const auto name = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
    const auto dot = name.rfind('.');
    return dot == std::string_view::npos || dot == 0 ? std::string_view() : name.substr(dot + 1);
}

SourceFile named(std::string path, std::string folder = {}) {
    const fs::path file(path);
    return {.path = std::move(path), .folder = std::move(folder), .stem = file.stem().string()};
}

template <typename Iterator>
void list(const fs::path& folder, std::vector<SourceFile>& found) {
    std::error_code error;
    for (Iterator each(folder, fs::directory_options::skip_permission_denied, error), end; !error && each != end;
         each.increment(error)) {
        const fs::path& path = each->path();
        if (path.filename().string().starts_with('.')) {
            if constexpr (requires { each.disable_recursion_pending(); }) each.disable_recursion_pending();
            continue;
        }
        std::error_code of_file;
        if (!has_image_extension(path.string()) || !each->is_regular_file(of_file)) continue;
        const std::string below = path.parent_path().lexically_relative(folder).string();
        found.push_back(named(path.string(), below == "." ? "" : below));
    }
}

std::vector<std::string> matches(const std::string& pattern) {
    glob_t found{};
    std::vector<std::string> paths;
    if (glob(pattern.c_str(), 0, nullptr, &found) == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    globfree(&found);
    return paths;
}

Result<void> add(const std::string& input, Folders folders, std::vector<SourceFile>& found) {
    std::error_code error;
    if (input == "-") {
        found.push_back({.path = "-", .folder = {}, .stem = "stdin"});
    } else if (fs::is_directory(input, error)) {
        const auto before = static_cast<std::ptrdiff_t>(found.size());
        if (folders == Folders::Recursive) {
            list<fs::recursive_directory_iterator>(input, found);
        } else {
            list<fs::directory_iterator>(input, found);
        }
        std::ranges::sort(found.begin() + before, found.end(), {}, &SourceFile::path);
    } else if (fs::exists(input, error)) {
        found.push_back(named(input));
    } else {
        const auto paths = matches(input);
        if (paths.empty()) return fail(ErrorKind::NotFound, fmt::format("there is no '{}'", input));
        for (const std::string& path : paths) found.push_back(named(path));
    }
    return {};
}

constexpr std::string_view kWords[] = {"{dir}", "{name}", "{ext}"};

std::size_t word_at(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::find_if(kWords, [&](auto word) { return text.starts_with(word); }) - kWords);
}

Result<void> check_words(std::string_view text) {
    for (std::size_t at = text.find('{'); at != std::string_view::npos; at = text.find('{', at + 1)) {
        if (word_at(text.substr(at)) < std::size(kWords)) continue;
        const auto end = text.find('}', at);
        if (end == std::string_view::npos) continue;  // a brace like any other byte
        return fail(ErrorKind::BadRequest,
                    fmt::format("{}: {} is none of {{dir}}, {{name}}, {{ext}}", text, text.substr(at, end - at + 1)));
    }
    return {};
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

Result<void> write_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail(ErrorKind::Internal, std::strerror(errno));
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> rename_to(const std::string& from, const std::string& to, Existing existing) {
    if (existing == Existing::Replace) {
        if (std::rename(from.c_str(), to.c_str()) == 0) return {};
        return fail(ErrorKind::Internal, std::strerror(errno));
    }
    // Unlike a look and a rename, a link never takes the place of a file that came meanwhile.
    if (::link(from.c_str(), to.c_str()) == 0) {
        ::unlink(from.c_str());
        return {};
    }
    if (errno == EEXIST) return fail(ErrorKind::Forbidden, "it exists; --force replaces it");
    struct stat status{};
    if (::lstat(to.c_str(), &status) == 0) return fail(ErrorKind::Forbidden, "it exists; --force replaces it");
    if (std::rename(from.c_str(), to.c_str()) == 0) return {};  // a file system without links
    return fail(ErrorKind::Internal, std::strerror(errno));
}

}  // namespace

bool has_image_extension(std::string_view path) { return format_of_extension(extension_of(path)).has_value(); }

Result<std::vector<SourceFile>> find_sources(std::span<const std::string> inputs, Folders folders) {
    std::vector<SourceFile> found;
    for (const std::string& input : inputs) {
        const std::size_t before = found.size();
        TRY(add(input, folders, found));
        const bool one = found.size() == before + 1 && found.back().path == input;
        for (std::size_t i = before; i < found.size(); ++i) found[i].listed = !one;
    }
    return found;
}

Result<OutputPattern> OutputPattern::parse(std::string_view text, bool several) {
    OutputPattern out;
    out.pattern_ = text;
    if (text == "-") {
        if (several) return fail(ErrorKind::BadRequest, "several images do not go to standard output");
        return out;
    }
    if (text.empty()) return fail(ErrorKind::BadRequest, "OUT is empty");
    TRY(check_words(text));
    std::error_code error;
    const bool pattern = std::ranges::any_of(kWords, [&](auto word) { return has(text, word); });
    if (pattern) {
        if (several && !has(text, "{name}")) {
            return fail(ErrorKind::BadRequest, fmt::format("{}: several images need {{name}} in it", text));
        }
    } else if (text.ends_with('/') || fs::is_directory(text, error) || several) {
        if (!text.ends_with('/')) out.pattern_ += '/';
        out.pattern_ += "{dir}/{name}.{ext}";
    }
    return out;
}

std::string OutputPattern::path_for(const SourceFile& source, transforms::Format format) const {
    const std::array<std::string_view, 3> values = {source.folder, source.stem, transforms::row_of(format).extension};
    std::string path;
    for (std::string_view rest = pattern_; !rest.empty();) {
        const std::size_t word = word_at(rest);
        if (word == std::size(kWords)) {
            path += rest.front();
            rest.remove_prefix(1);
            continue;
        }
        path += values[word];
        rest.remove_prefix(kWords[word].size());
        if (values[word].empty() && rest.starts_with('/')) rest.remove_prefix(1);
    }
    return path;
}

std::optional<transforms::Format> OutputPattern::format() const {
    const auto format = format_of_extension(extension_of(pattern_));
    return format && transforms::row_of(*format).can_save ? format : std::nullopt;
}

Result<void> write_whole(const std::string& path, std::string_view bytes, Existing existing) {
    const fs::path target(path);
    std::error_code error;
    if (target.has_parent_path()) fs::create_directories(target.parent_path(), error);
    const fs::path beside = target.parent_path() / fmt::format(".{}.{}.part", target.filename().string(), ::getpid());
    ::unlink(beside.c_str());  // of a process that had our number
    const FileDescriptor file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (!file) return fail(ErrorKind::Internal, std::strerror(errno));
    auto done = write_all(file.number(), bytes);
    if (done) done = rename_to(beside.string(), path, existing);
    if (!done) ::unlink(beside.c_str());
    return done;
}

Result<std::string> read_whole(const std::string& path, std::uint64_t most) {
    FileDescriptor opened;
    if (path != "-") {
        opened.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!opened) return fail(ErrorKind::NotFound, std::strerror(errno));
    }
    const int descriptor = opened ? opened.number() : STDIN_FILENO;
    std::string bytes;
    std::array<char, 65536> buffer;
    while (true) {
        const auto got = ::read(descriptor, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(ErrorKind::NotFound, std::strerror(errno));
        if (got == 0) return bytes;
        bytes.append(buffer.data(), static_cast<std::size_t>(got));
        if (bytes.size() > most) {
            return std::unexpected(Error{.kind = ErrorKind::TooLarge,
                                         .code = "source_too_large",
                                         .detail = fmt::format("above {} bytes", most),
                                         .param = {},
                                         .allowed = {}});
        }
    }
}

}  // namespace selvage::server
