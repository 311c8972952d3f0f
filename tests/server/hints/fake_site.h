#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "server/catalogue/catalogue.h"
#include "server/http/media_types.h"

namespace selvage::testing {

// A site of texts, in memory. Looks at its "disk" for what it was not asked for before.
class FakeSite final : public catalogue::Catalogue {
public:
    void write(const std::string& path, const std::string& content) {
        catalogue::Source made;
        made.path = path;
        made.serial = catalogue::next_serial();
        made.content = sha256(content);
        made.etag = etag_text(made.content);
        made.size = content.size();
        made.last_modified = "Sat, 21 Nov 2026 09:00:00 GMT";
        made.media_type = http::media_type_of(path).type;
        made.bytes = make_blob(content);
        const std::lock_guard lock(mutex);
        files[path] = std::make_shared<const catalogue::Source>(std::move(made));
        count_change();
    }

    std::optional<catalogue::Finding> find(std::string_view path, SteadyTime now) override {
        const std::lock_guard lock(mutex);
        if (!known.contains(std::string(path))) return std::nullopt;
        return catalogue::Finding{.entry = entry(std::string(path)), .until = now + std::chrono::hours(1)};
    }
    Result<catalogue::Entry> resolve(const std::string& path) override {
        const std::lock_guard lock(mutex);
        known[path] = true;
        return entry(path);
    }
    void forget(const std::string&) override {}
    Result<std::string> read(const catalogue::Source& source) override {
        const std::lock_guard lock(mutex);
        ++reads;
        return std::string(source.bytes->view());
    }

    catalogue::Entry entry(const std::string& path) const {
        const auto place = files.find(path);
        return place == files.end() ? catalogue::Entry(catalogue::Absent{}) : place->second;
    }

    std::mutex mutex;  // a pool reads while a test writes
    std::map<std::string, catalogue::SourcePtr> files;
    std::map<std::string, bool> known;
    int reads = 0;
};

}  // namespace selvage::testing
