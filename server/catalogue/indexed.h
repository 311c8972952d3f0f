#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "server/catalogue/content.h"
#include "server/catalogue/directory_watches.h"
#include "server/catalogue/entry_table.h"
#include "server/catalogue/folder_catalogue.h"
#include "server/catalogue/folder_votes.h"
#include "server/catalogue/name_history.h"
#include "server/catalogue/overtaken.h"
#include "server/catalogue/predecessors.h"
#include "server/catalogue/sidecars.h"
#include "server/catalogue/writing.h"
#include "server/http/media_types.h"
#include "server/origins/folder.h"
#include "server/origins/folder_file.h"

// What folder_catalogue.cc and looks.cc share, and nobody else.
namespace selvage::catalogue {

using FolderPtr = std::shared_ptr<const origins::Folder>;

// What a look found, on its way to a Remembered.
struct Sighting {
    std::string path;
    FolderPtr folder;
    origins::Found found;
    SidecarFiles sidecars;
    const http::MediaType* type = nullptr;
    bool fingerprinted = false;            // by name and vote
    std::optional<releases::Record> kept;  // the folder does not have it, or only half: of the content store
};

// The FolderCatalogue: folder_catalogue.cc has what is asked and told, looks.cc how a file is looked at.
class Indexed final : public FolderCatalogue, private DirectoryWatches::Listener {
public:
    Indexed(FolderPtr folder, const Options& options, Log& log, Surroundings surroundings);

    std::optional<Finding> find(std::string_view path, SteadyTime now) override;
    Result<Entry> resolve(const std::string& path) override;
    Result<std::string> read(const Source& source) override;
    FolderPtr follow_root() override;
    std::expected<Measured, NotMeasured> measure(const std::string& path, Lifetime lifetime) override;
    void forget(const std::string& path) override;
    std::shared_ptr<releases::History> history() const override { return surroundings_.ledger; }
    int watch_descriptor() const override { return watches_.descriptor(); }
    void on_watch_readable() override { watches_.drain(); }
    Stats stats() const override;

private:
    void changed(const std::string& path, Happening happening) override;
    void changed_below(const std::string& folder) override;
    void changed_anything() override;

    SteadyTime now() const;
    std::int64_t wall_ns() const;
    FolderPtr folder() const;
    bool root_check_is_due(SteadyTime time);
    void check_root();

    Result<Entry> resolve_key(const std::string& key);
    Result<Remembered> look_at(const std::string& key, const std::optional<Remembered>& before);
    Result<Remembered> look_at_file(Sighting sighting, const std::optional<Remembered>& before, SteadyTime expires);
    Remembered take_in(Sighting sighting, Content content, MemoryShare share, const SourcePtr& before, SteadyTime expires);
    std::optional<Remembered> removed_file(const Sighting& sighting, const std::optional<Remembered>& before, SteadyTime expires);
    Remembered stand_in(const Sighting& sighting, const std::optional<Remembered>& before);
    SourcePtr kept_source(const Sighting& sighting, const releases::Record& record, const std::optional<Remembered>& before);
    MemoryShare share_for(std::uint64_t size);
    bool is_in_the_making(const Sighting& sighting) const {
        return is_being_written(sighting.found, sighting.path, works_, wall_ns());
    }
    Result<Content> facts_of(const Sighting& sighting, bool keep);
    bool is_sidecar(const origins::Folder& folder, const std::string& key) const;
    bool judge_name(const Sighting& sighting, const Sha256& content);
    SourcePtr raised(const SourcePtr& before, const Sighting& sighting);
    WallTime modified_of(const origins::FileVersion& version) const;
    SourcePtr make_source(Sighting sighting, Content content, MemoryShare share);

    const Options options_;
    Log& log_;
    const Surroundings surroundings_;

    mutable std::mutex folder_mutex_;
    FolderPtr folder_;                        // replaced when the root's path names another folder
    std::mutex root_mutex_;                   // one check at a time
    std::atomic<SteadyTime> root_checked_{};  // or claimed for a check
    std::atomic<bool> root_check_wanted_{false};

    EntryTable entries_;
    DirectoryWatches watches_;
    KnownContents known_;
    NameHistory names_;
    FolderVotes votes_;
    Predecessors predecessors_;
    Works works_{4096};  // files written at the same time, and versions that stand in for them
    Overtaken overtaken_{1024};
    std::shared_ptr<origins::OpenFiles> open_files_;
    MemoryShare::Used memory_used_ = std::make_shared<std::atomic<std::uint64_t>>(0);
    std::atomic<std::uint64_t> hashed_{0}, removed_{0}, half_as_before_{0}, half_not_found_{0};
};

}  // namespace selvage::catalogue
