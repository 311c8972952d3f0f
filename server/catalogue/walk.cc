#include "server/catalogue/walk.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "server/catalogue/content.h"
#include "server/http/fingerprint.h"

namespace selvage::catalogue {
namespace {

constexpr int kNamesPerStep = 256;  // 0.1 ms
constexpr std::size_t kDeepest = 32, kLongestPath = 1024;
constexpr std::uint64_t kNamesPerEntry = 10;

using origins::Found;

bool same_place(const origins::FileVersion& left, const origins::FileVersion& right) {
    return left.device == right.device && left.inode == right.inode;
}

std::string parent_of(const std::string& directory) {
    return directory.substr(0, directory.rfind('/', directory.size() - 2) + 1);
}

}  // namespace

// A directory that is being read.
struct Walk::Listing {
    std::string path;
    Directory directory;
    std::unique_ptr<DIR, int (*)(DIR*)> stream;
    bool read = false;                    // to its end
    std::set<std::string> folders;        // in it
    std::vector<std::string> candidates;  // paths of files that may be long-lived, not looked at yet
};

Walk::Walk(std::size_t tree, WalkedRoot root, TreeWatches& watches, Log& log)
    : tree_(tree),
      root_(std::move(root)),
      watches_(watches),
      log_(log),
      folder_(root_.catalogue->follow_root()),
      pages_dictionary_(log) {
    note_everything();
}

Walk::~Walk() { watches_.remove_below(tree_, "/"); }

void Walk::set_root(WalkedRoot root) {
    root_ = std::move(root);
    note_everything();
}

bool Walk::follow_root() {
    Folder folder = root_.catalogue->follow_root();
    if (folder == folder_) return false;
    folder_ = std::move(folder);
    listing_.reset();
    pending_.clear();
    drop_below("/");
    note_everything();
    return true;
}

void Walk::note_everything() {
    noted_.insert("/");
    for (const auto& [path, directory] : directories_) noted_.insert(path);
}

void Walk::note_unwatched() {
    for (const auto& [path, directory] : directories_) {
        if (!directory.watched) noted_.insert(path);
    }
}

void Walk::begin() {
    pending_.merge(noted_);
    noted_.clear();
    unfinished_.clear();
    names_ = 0;
}

void Walk::step() {
    if (!listing_) {
        const std::string path = pending_.extract(pending_.begin()).value();
        return open(path);
    }
    if (!listing_->candidates.empty()) {
        const std::string path = std::move(listing_->candidates.back());
        listing_->candidates.pop_back();
        return take_file(path);
    }
    listing_->read ? finish() : read_names();
}

void Walk::open(const std::string& path) {
    auto found = folder_->look(path);
    if (!found || found->kind != Found::Kind::Directory || loops(path, found->version)) return drop_below(path);
    auto listing = std::make_unique<Listing>(
        Listing{.path = path, .directory = {.version = found->version}, .stream = {nullptr, &::closedir}});
    const auto known = directories_.find(path);
    if (known != directories_.end() && !same_place(known->second.version, found->version)) drop_below(path);
    // Before the names are read: what comes later is told.
    listing->directory.watched = watches_.add(tree_, path, found->descriptor.number());
    FileDescriptor readable(::openat(found->descriptor.number(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (readable) listing->stream.reset(::fdopendir(readable.number()));
    if (!listing->stream) return drop_below(path);
    readable.release();  // the stream closes it
    listing_ = std::move(listing);
}

// A link may lead to a folder above itself.
bool Walk::loops(const std::string& path, const origins::FileVersion& version) const {
    if (path.size() > kLongestPath || std::ranges::count(path, '/') > static_cast<std::ptrdiff_t>(kDeepest)) return true;
    for (std::string above = path; above.size() > 1;) {
        above = parent_of(above);
        const auto known = directories_.find(above);
        if (known != directories_.end() && same_place(known->second.version, version)) return true;
    }
    return false;
}

void Walk::read_names() {
    for (int i = 0; i < kNamesPerStep; ++i) {
        const dirent* entry = ::readdir(listing_->stream.get());
        if (entry == nullptr || ++names_ > kNamesPerEntry * root_.entries) {
            listing_->read = true;
            if (entry != nullptr && !std::exchange(complained_, true)) {
                log_.warn("releases", "{} has more names than ten times limits.catalogue_entries: not all are looked at",
                          folder_->root());
            }
            return;
        }
        take_name(*entry);
    }
}

void Walk::take_name(const dirent& entry) {
    const std::string_view name = entry.d_name;
    if (name == "." || name == ".." || std::ranges::any_of(name, is_control) || name.find('\\') != std::string_view::npos) return;
    std::string path = listing_->path + std::string(name);
    if (!origins::may_be_served(path)) return;
    if (entry.d_type == DT_DIR) return take_folder(path + "/", entry.d_ino, false);
    if (entry.d_type != DT_REG) {
        if (entry.d_type != DT_LNK && entry.d_type != DT_UNKNOWN) return;
        const auto found = folder_->look(path);
        if (!found || found->kind == Found::Kind::Absent) return;
        if (found->kind == Found::Kind::Directory) return take_folder(path + "/", found->version.inode, true);
    }
    const Lifetime lifetime = root_.lifetime ? root_.lifetime(path) : Lifetime::ByName;
    if (lifetime == Lifetime::Short) return;
    if (lifetime == Lifetime::ByName && http::fingerprint_of(path).kind == http::Fingerprint::None) return;
    listing_->candidates.push_back(std::move(path));
}

// One that is known is told of by its own watch, as long as it is the same.
void Walk::take_folder(const std::string& path, ino_t inode, bool linked) {
    listing_->folders.insert(path);
    const auto known = directories_.find(path);
    const bool same = known != directories_.end() && known->second.version.inode == inode;
    if (!same || linked) {
        if (directories_.size() + pending_.size() < root_.entries) pending_.insert(path);
    }
}

void Walk::take_file(const std::string& path) {
    const Lifetime lifetime = root_.lifetime ? root_.lifetime(path) : Lifetime::ByName;
    auto measured = root_.catalogue->measure(path, lifetime);
    const bool page = measured && lifetime == Lifetime::Page && !measured->fingerprinted;
    if (page) return take_page(path, *std::move(measured));
    if (measured) return release(path, *std::move(measured), releases::Offering::None);
    if (measured.error() == NotMeasured::BeingWritten) unfinished_.insert(listing_->path);
}

bool Walk::has_room() {
    if (entries_ + listing_->directory.entries() < root_.entries) return true;
    if (!std::exchange(complained_, true)) {
        log_.warn("releases", "{} has more long-lived files and pages than limits.catalogue_entries: not all are remembered",
                  folder_->root());
    }
    return false;
}

void Walk::release(const std::string& path, Measured file, releases::Offering offering) {
    if (!has_room()) return;
    root_.ledger->keep(file.content, file.file.descriptor.number(), file.file.version.size);
    listing_->directory.files.push_back({.path = path,
                                         .content = file.content,
                                         .size = file.file.version.size,
                                         .modified = file.modified,
                                         .fingerprinted = file.fingerprinted,
                                         .compressible = file.compressible,
                                         .offering = offering});
}

void Walk::take_page(const std::string& path, Measured file) {
    const std::uint64_t size = file.file.version.size;
    if (size < releases::kSmallestDictionary || size > releases::kLargestDictionary) return;
    if (!has_room()) return;
    listing_->directory.pages.push_back({.path = path, .content = file.content, .size = size});
    if (root_.offer_pages) release(path, std::move(file), releases::Offering::Page);
}

// As it was measured.
std::optional<std::string> Walk::read_page(const Page& page) const {
    const auto found = folder_->look(page.path);
    if (!found || found->kind != Found::Kind::File) return std::nullopt;
    auto read = read_content(found->descriptor.number(), {.keep = true}, 0);
    if (!read || read->facts.hash != page.content) return std::nullopt;
    return std::string(read->bytes->view());
}

void Walk::finish() {
    const std::unique_ptr<Listing> listing = std::move(listing_);
    drop_vanished(*listing);
    Directory& known = directories_[listing->path];
    entries_ += listing->directory.entries() - known.entries();
    if (known.version.inode != 0 && !known.watched) --unwatched_;
    if (!listing->directory.watched) ++unwatched_;
    known = std::move(listing->directory);
}

void Walk::drop_vanished(const Listing& listing) {
    std::set<std::string> vanished;
    for (auto each = directories_.upper_bound(listing.path); each != directories_.end() && each->first.starts_with(listing.path);
         ++each) {
        std::string child = each->first.substr(0, each->first.find('/', listing.path.size()) + 1);
        if (!listing.folders.contains(child)) vanished.insert(std::move(child));
    }
    for (const std::string& child : vanished) drop_below(child);
}

void Walk::drop_below(std::string_view directory) {
    auto each = directories_.lower_bound(directory);
    while (each != directories_.end() && each->first.starts_with(directory)) {
        entries_ -= each->second.entries();
        if (!each->second.watched) --unwatched_;
        directories_.erase(each++);
    }
    watches_.remove_below(tree_, directory);
}

void Walk::make_dictionary() {
    dictionary_.reset();
    if (!root_.make_dictionary) return;
    std::vector<Page> pages;
    for (const auto& [path, directory] : directories_) pages.insert(pages.end(), directory.pages.begin(), directory.pages.end());
    dictionary_ = pages_dictionary_.with(*root_.ledger, pages, [this](const Page& page) { return read_page(page); });
}

void Walk::commit() {
    std::vector<releases::Present> build;
    build.reserve(entries_ + 1);
    for (const auto& [path, directory] : directories_) build.insert(build.end(), directory.files.begin(), directory.files.end());
    if (dictionary_) build.push_back(*dictionary_);
    root_.ledger->take_in(build);
}

}  // namespace selvage::catalogue
