#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/file_descriptor.h"
#include "tests/cache_store/torture/dice.h"
#include "tests/cache_store/torture/unsynced_file.h"

namespace selvage::torture {

// A file or folder, however it was opened.
struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    friend auto operator<=>(const Identity&, const Identity&) = default;
};

// The names that came, went and changed in folders since those were made durable, in order. A power loss keeps the first of them
// and undoes the others, as a file system's journal does.
class UnsyncedNames {
public:
    using File = std::shared_ptr<UnsyncedFile>;

    void created(int folder, std::string name) { add(folder, {.kind = Kind::Created, .name = std::move(name)}); }
    void removed(int folder, std::string name, File file) {
        add(folder, {.kind = Kind::Removed, .name = std::move(name), .file = std::move(file)});
    }
    // `replaced`: what had the name before, or null.
    void renamed(int folder, std::string from, std::string name, File replaced) {
        add(folder, {.kind = Kind::Renamed, .name = std::move(name), .from = std::move(from), .file = std::move(replaced)});
    }
    void synced(const Identity& folder) {
        std::erase_if(changes_, [&](const Change& change) { return change.of == folder; });
    }

    void lose(Dice& dice, Loss loss) {
        const auto kept = loss == Loss::AllNew ? changes_.size() : loss == Loss::AllOld ? 0 : dice.roll(changes_.size() + 1);
        for (; changes_.size() > kept; changes_.pop_back()) undo(changes_.back());
        changes_.clear();
    }

private:
    enum class Kind : std::uint8_t { Created, Removed, Renamed };
    struct Change {
        Kind kind;
        std::string name, from;
        File file;
        Identity of;
        FileDescriptor folder;
    };

    void add(int folder, Change change) {
        struct stat now{};
        if (::fstat(folder, &now) != 0) return;
        change.of = {now.st_dev, now.st_ino};
        change.folder.reset(::fcntl(folder, F_DUPFD_CLOEXEC, 0));
        changes_.push_back(std::move(change));
    }

    static void undo(const Change& change) {
        const int folder = change.folder.number();
        switch (change.kind) {
            case Kind::Created:
                ::unlinkat(folder, change.name.c_str(), 0);
                return;
            case Kind::Removed:
                restore(folder, change.name, *change.file);
                return;
            case Kind::Renamed:
                if (::renameat(folder, change.name.c_str(), folder, change.from.c_str()) != 0) std::abort();
                if (change.file) restore(folder, change.name, *change.file);
                return;
        }
    }
    // A removed file has no name left to link to: its bytes are given to a new one.
    static void restore(int folder, const std::string& name, const UnsyncedFile& file) {
        const FileDescriptor again(::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
        std::array<char, 64 * 1024> piece{};
        off_t at = 0;
        for (ssize_t got = 0; (got = ::pread(file.number(), piece.data(), piece.size(), at)) > 0; at += got) {
            if (::pwrite(again.number(), piece.data(), static_cast<std::size_t>(got), at) != got) std::abort();
        }
    }

    std::vector<Change> changes_;
};

}  // namespace selvage::torture
