#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/file_descriptor.h"

namespace selvage::catalogue {

// Which directories of some trees changed, by one inotify instance for all trees: names that came and went, files that were
// closed after writing. Not each write, of which there may be any number. One thread.
class TreeWatches {
public:
    // `most` directories together.
    explicit TreeWatches(std::size_t most);
    TreeWatches(const TreeWatches&) = delete;
    TreeWatches& operator=(const TreeWatches&) = delete;

    int descriptor() const { return inotify_.number(); }  // -1: none

    // Watches the directory that `opened` is, which is `directory` ("/a/") of this tree. False: what happens in it will not be
    // told (no watches left, a file system that does not tell). Call it before listing.
    bool add(std::size_t tree, const std::string& directory, int opened);
    void remove_below(std::size_t tree, std::string_view directory);  // and itself

    // Reads what is there, without blocking. `changed(tree, directory)` for each change, `lost()` when the kernel lost some.
    void drain(const std::function<void(std::size_t, const std::string&)>& changed, const std::function<void()>& lost);

    std::size_t count() const { return names_.size(); }

private:
    using Name = std::pair<std::size_t, std::string>;  // tree, directory

    void remove(std::map<Name, int>::iterator name);

    const std::size_t most_;
    FileDescriptor inotify_;
    std::map<Name, int> names_;                           // → watch
    std::unordered_map<int, std::vector<Name>> watches_;  // a directory may be in several trees
};

// Does the file system of this descriptor tell inotify of all changes? Not when others may change it without this kernel knowing
// (network, FUSE, 9p), or names mean more than one spelling (FAT, NTFS).
bool tells_changes(int descriptor);

}  // namespace selvage::catalogue
