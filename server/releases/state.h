#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/digest.h"
#include "base/time.h"
#include "server/http/fingerprint.h"
#include "server/releases/history.h"
#include "server/releases/lineage.h"
#include "server/releases/records.h"

namespace selvage::releases {

// A file that the folder has: long-lived, or a page. Or what was made of its pages, which is as good as in it.
struct Present {
    std::string path;
    Sha256 content;
    std::uint64_t size = 0;
    WallTime modified;
    bool fingerprinted = false;  // else a rule makes it long-lived
    bool compressible = false;
    Offering offering = Offering::None;  // one of those for pages; what others offer is found out here
    friend bool operator==(const Present&, const Present&) = default;
};

// Where dictionaries made of pages are found. RFC 8615.
inline constexpr std::string_view kPagesDictionaryFolder = "/.well-known/selvage/";
std::string pages_dictionary_path(const Sha256& content);

struct Limits {
    std::chrono::seconds keep{30 * 24 * 3'600};  // what is gone is served
    std::chrono::seconds pages{0};               // what pages were is of use as a dictionary
    unsigned builds = 4;                         // before the present one, whose dictionaries stay beyond that
    std::size_t records = 200'000;               // of one root; those that have been gone for longest are dropped
    friend bool operator==(const Limits&, const Limits&) = default;
};

// What a root has and had, at one moment. A value: changed before it is shared, never after.
class State {
public:
    using Kept = std::function<bool(const Sha256&)>;  // is there a copy?

    State() = default;
    // Of what was written; what is gone and has no copy is left out.
    State(std::vector<Record> records, const Kept& kept);

    // The folder has this now, and nothing else. True: something is another than before. `fresh`: files with a content that their
    // path did not have.
    bool take_in(const std::vector<Present>& build, WallTime now, std::vector<Seen>& fresh);
    // Lets go of what has been gone for too long, and of what is too much. True: something was dropped.
    bool drop_old(const Limits& limits, const Kept& kept, WallTime now);
    // Lets go of all that this path had and has no more.
    bool drop_gone(std::string_view path);
    // After all of these, before it is shared.
    void recount();

    bool has_gone(std::string_view path) const;
    const Record* latest(std::string_view path) const;
    const Record* pages_dictionary() const;  // the present one, null: none
    const Record* find(std::string_view path, const Sha256& content) const;
    // Offered before this one for what it is: of its lineage, else for its whole folder; newest first. All but this content
    // itself.
    std::vector<Sha256> before(const Record& record) const;
    std::vector<Record> records() const;
    std::uint64_t release() const { return release_; }

    struct Known {
        std::optional<WallTime> gone;  // since when no file has it any more
        std::uint64_t size = 0;
    };
    using Contents = std::unordered_map<Sha256, Known>;
    const Contents& contents() const { return contents_; }

private:
    // What was offered under a pattern.
    struct Advertised {
        Sha256 content;
        std::uint64_t size = 0;
        std::uint64_t first = 0, last = 0;
        WallTime since{};
        bool gone = false;
    };
    using Records = std::vector<Record>;  // of one path, the latest at the end

    bool mark_gone(const std::vector<Present>& build, WallTime now);
    bool mark_present(const Present& file, WallTime now, std::vector<Seen>& fresh);
    bool set_offerings();
    void begin_release(WallTime now);
    bool is_wanted(const Record& record, const Limits& limits, const Kept& kept, WallTime now) const;

    std::map<std::string, Records, std::less<>> paths_;
    std::uint64_t release_ = 0;
    WallTime changed_{};  // when the release was last added to
    // Made of these by recount():
    Contents contents_;
    std::map<Lineage, std::vector<Advertised>> by_lineage_;
    std::map<Place, std::vector<Advertised>> by_place_;
};

// Of what is not fingerprinted, nothing in the name changes.
http::Fingerprint fingerprint_of(const Record& record);

Seen seen_of(const Record& record);

}  // namespace selvage::releases
