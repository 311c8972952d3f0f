#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/digest.h"
#include "server/http/message.h"
#include "server/origins/folder.h"

namespace selvage::origins {

class FolderFile;

// Bounds how many files of a catalogue are open at a time: those not read for longest are closed first, and opened again when
// they are read. Thread-safe.
class OpenFiles {
public:
    explicit OpenFiles(std::size_t most) : most_(most) {}
    OpenFiles(const OpenFiles&) = delete;
    OpenFiles& operator=(const OpenFiles&) = delete;

    // How many a process may well keep for this purpose: an eighth of its descriptor limit, at most 8192.
    static std::size_t sensible_bound();

    std::size_t count() const;

private:
    friend class FolderFile;
    void opened(const FolderFile& file);
    void gone(const FolderFile& file);
    void close_one();

    const std::size_t most_;
    mutable std::mutex mutex_;
    std::vector<const FolderFile*> ring_;  // files that hold a descriptor
    std::size_t hand_ = 0;
};

// One version of a file in a folder, named by its content; `found` may hold the file already open. read_now of a file that was
// closed in the meantime says WouldBlock; read_blocking opens it again and says Changed when the path names another version by
// then.
//
// Changed means that size or modification time are no longer the version's, or that only ctime differs and so does the content
// (found out by hashing it once): unlinking, replacing by rename and chmod change ctime and must not cut off a response.
http::OpenFilePtr open_folder_file(std::shared_ptr<const Folder> folder, std::string path, Found found, const Sha256& content,
                                   std::shared_ptr<OpenFiles> open_files);

}  // namespace selvage::origins
