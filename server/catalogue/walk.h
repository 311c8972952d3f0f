#pragma once

#include <dirent.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "server/catalogue/folder_catalogue.h"
#include "server/catalogue/pages_dictionary.h"
#include "server/catalogue/tree_watches.h"
#include "server/releases/ledger.h"

namespace selvage::catalogue {

// What is walked, and for whom.
struct WalkedRoot {
    std::shared_ptr<FolderCatalogue> catalogue;
    std::shared_ptr<releases::Ledger> ledger;
    std::function<Lifetime(std::string_view path)> lifetime;  // what the sites' rules say
    bool offer_pages = false;                                 // to one another
    bool make_dictionary = false;                             // of all of them
    std::size_t entries = 200'000;                            // long-lived files and pages, and folders; ten times as many names
};

// One root's long-lived files, by directory: found by walking, in steps, kept current by walking again what changed. Contents
// that are to be kept are copied on the way. One thread.
class Walk {
public:
    // `tree`: its number among the watches.
    Walk(std::size_t tree, WalkedRoot root, TreeWatches& watches, Log& log);
    ~Walk();
    Walk(const Walk&) = delete;
    Walk& operator=(const Walk&) = delete;

    const WalkedRoot& root() const { return root_; }
    void set_root(WalkedRoot root);  // the same catalogue and ledger, other rules

    // Is the root's path another folder than the one that was walked? Then all is to be walked again.
    bool follow_root();

    // To be walked with the next begin().
    void note(const std::string& directory) { noted_.insert(directory); }
    void note_everything();
    void note_unwatched();  // directories whose changes nobody tells
    bool noted() const { return !noted_.empty(); }
    bool has_unwatched() const { return unwatched_ != 0; }

    void begin();
    bool walking() const { return listing_ != nullptr || !pending_.empty(); }
    // A part of it: some names, or one file. Blocks.
    void step();

    // Directories in which a file was being written when it was looked at: to be noted later.
    const std::set<std::string>& unfinished() const { return unfinished_; }

    // Of the pages that were found, where a site wants one. Seldom takes long, but then seconds.
    void make_dictionary();

    // Tells the ledger of all that is there now.
    void commit();

private:
    using Folder = std::shared_ptr<const origins::Folder>;
    struct Directory {
        origins::FileVersion version;
        bool watched = false;
        std::vector<releases::Present> files;
        std::vector<Page> pages;
        std::size_t entries() const { return files.size() + pages.size(); }
    };
    using Directories = std::map<std::string, Directory, std::less<>>;
    struct Listing;

    void open(const std::string& path);
    void read_names();
    void take_name(const dirent& entry);
    void take_folder(const std::string& path, ino_t inode, bool linked);
    void take_file(const std::string& path);
    void finish();
    void drop_below(std::string_view directory);  // and itself
    void drop_vanished(const Listing& listing);
    void release(const std::string& path, Measured file, releases::Offering offering);
    bool has_room();  // for another entry; says so once when there is none
    void take_page(const std::string& path, Measured file);
    std::optional<std::string> read_page(const Page& page) const;
    bool loops(const std::string& path, const origins::FileVersion& version) const;

    const std::size_t tree_;
    WalkedRoot root_;
    TreeWatches& watches_;
    Log& log_;
    Folder folder_;
    Directories directories_;
    std::size_t entries_ = 0, unwatched_ = 0;
    std::set<std::string> noted_, pending_, unfinished_;
    std::unique_ptr<Listing> listing_;
    std::uint64_t names_ = 0;  // read since begin()
    PagesDictionary pages_dictionary_;
    std::optional<releases::Present> dictionary_;  // to be committed
    bool complained_ = false;
};

}  // namespace selvage::catalogue
