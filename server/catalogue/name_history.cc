#include "server/catalogue/name_history.h"

namespace selvage::catalogue {

NameHistory::Verdict NameHistory::judge(std::string_view path, const Sha256& content) {
    const std::uint64_t name = checksum64(path);
    const std::uint64_t now = checksum64(as_text(content));
    const std::lock_guard lock(mutex_);
    const auto known = names_.find(name);
    if (known == names_.end()) {
        if (names_.size() >= most_) std::erase_if(names_, [](const auto& entry) { return !entry.second.demoted; });
        if (names_.size() >= most_) return Verdict::Demoted;  // nothing can be vouched for any more
        names_.emplace(name, Known{.content = now, .demoted = false});
        return Verdict::Trusted;
    }
    if (known->second.demoted) return Verdict::Demoted;
    if (known->second.content == now) return Verdict::Trusted;
    known->second.demoted = true;
    ++demoted_;
    return Verdict::JustDemoted;
}

std::uint64_t NameHistory::demoted() const {
    const std::lock_guard lock(mutex_);
    return demoted_;
}

}  // namespace selvage::catalogue
