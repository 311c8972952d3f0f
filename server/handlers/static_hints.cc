#include "server/handlers/static_hints.h"

#include <utility>

namespace selvage::handlers {

namespace {

class HintedPage final : public Resource {
public:
    HintedPage(Services& services, const Located& located, hints::PageHintsPtr page, OpenWithHints open)
        : services_(services), located_(located), page_(std::move(page)), open_(std::move(open)), plain_(open_(nullptr)) {}

    http::Reply respond(const http::Request& request) override {
        return (hints::wants_hints(request) ? now() : *plain_).respond(request);
    }

    const catalogue::Source* source() const override { return located_.source.get(); }

private:
    // The file with the hints that are known now. Who began with others keeps its own.
    Resource& now() {
        const config::Hints& limits = located_.snapshot->config->hints;
        const std::uint64_t version =
            services_.hints.version(page_, located_.site->catalogue, located_.source, limits, services_.loop.now());
        if (version == 0) return *plain_;
        if (!hinted_ || version != version_) {
            hints::HintSetPtr set = page_->current();  // may be newer
            version_ = set->version;
            hinted_ = set->list.empty() ? plain_ : open_(std::move(set));
        }
        return *hinted_;
    }

    Services& services_;
    const Located located_;
    const hints::PageHintsPtr page_;
    const OpenWithHints open_;
    const ResourcePtr plain_;
    ResourcePtr hinted_;  // with the hints of version_
    std::uint64_t version_ = 0;
};

}  // namespace

ResourcePtr open_hinted_page(Services& services, const Located& located, OpenWithHints open) {
    auto page = services.hints.of(located.site->catalogue, *located.source, located.snapshot->config->hints);
    if (!page) return nullptr;
    return std::make_shared<HintedPage>(services, located, std::move(page), std::move(open));
}

void add_hints(http::Head::Fields& fields, const hints::HintSet& hints) {
    for (const hints::Hint& hint : hints.list) fields.emplace_back("link", hints::link_value(hint));
}

}  // namespace selvage::handlers
