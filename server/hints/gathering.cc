#include "server/hints/gathering.h"

#include <algorithm>
#include <deque>
#include <set>
#include <utility>
#include <variant>

#include "base/ascii.h"
#include "base/reference.h"
#include "base/url.h"
#include "server/hints/font_choice.h"
#include "server/hints/module_imports.h"
#include "server/hints/page.h"
#include "server/http/media_types.h"

namespace selvage::hints {

namespace {

using http::MediaClass;

constexpr unsigned kDeepestImport = 4;        // @import within an imported sheet …
constexpr std::size_t kMostSpecifiers = 100;  // of one module; hints are far fewer

bool is_plain(std::string_view reference) {
    return std::ranges::all_of(reference, [](char c) {
        return is_alphanumeric(c) || std::string_view("/._~-@+=!$?&").find(c) != std::string_view::npos;
    });
}

bool is_relative(std::string_view specifier) {
    return specifier.starts_with('/') || specifier.starts_with("./") || specifier.starts_with("../");
}

}  // namespace

std::optional<std::string> plain_target(std::string_view reference, std::string_view from) {
    reference = reference.substr(0, reference.find('#'));
    if (!is_plain(reference)) return std::nullopt;
    auto target = own_target(reference, from, {});
    return target && is_plain(*target) ? std::move(target) : std::nullopt;
}

// One page's.
class Gathering::Visit {
public:
    Visit(Gathering& gathering, catalogue::Catalogue& catalogue, const config::Hints& limits, SteadyTime now)
        : gathering_(gathering), catalogue_(catalogue), limits_(limits), now_(now), files_left_(limits.files) {}

    HintList hints_of(const catalogue::Source& source) {
        const auto html = read(source);
        if (!html) return {};
        const Page page = read_page(*html);
        const auto base = page.base.empty() ? std::optional(source.path) : plain_target(page.base, source.path);
        if (!base) return {};  // all that is relative is another site's
        for (const std::string& url : page.known) {
            if (auto target = plain_target(url, *base)) known_.insert(*std::move(target));
        }
        add_font(page, *base);
        if (!page.import_map) add_modules(page, *base);
        return std::move(hints_);
    }

private:
    struct Placed {
        std::shared_ptr<const Stylesheet> sheet;  // null: not read
        std::string path;                         // that its URLs are relative to
        bool layered = false;
    };
    struct Module {
        std::string target;
        bool with_credentials = false;
    };

    // The file that a target names, if it is of this kind.
    catalogue::SourcePtr find(const std::string& target, MediaClass kind) {
        const std::string path(split_target(target).path);
        if (path.ends_with('/') || http::media_type_of(path).media_class != kind) return nullptr;
        auto found = catalogue_.find(path, now_);
        if (!found) {
            auto entry = catalogue_.resolve(path);
            if (!entry) return nullptr;
            found = catalogue::Finding{.entry = *std::move(entry), .until = now_};
        }
        const auto* source = std::get_if<catalogue::SourcePtr>(&found->entry);
        return source ? *source : nullptr;
    }

    std::optional<std::string> read(const catalogue::Source& source) {
        if (source.size > limits_.file_bytes) {
            gathering_.counters_.limit_hit(http::LimitHit::HintsFileBytes);
            return std::nullopt;
        }
        if (files_left_ == 0) {
            gathering_.counters_.limit_hit(http::LimitHit::HintsFiles);
            return std::nullopt;
        }
        --files_left_;
        auto text = catalogue_.read(source);
        return text ? std::optional(*std::move(text)) : std::nullopt;
    }

    std::shared_ptr<const Stylesheet> sheet_of(const catalogue::Source& source) {
        if (const auto* known = gathering_.sheets_.find(source.content, now_)) return *known;
        const auto css = read(source);
        if (!css) return nullptr;
        auto sheet = std::make_shared<const Stylesheet>(read_stylesheet(*css));
        return gathering_.sheets_.find_or_add(source.content, now_) = std::move(sheet);
    }

    std::shared_ptr<const std::vector<std::string>> imports_of(const catalogue::Source& source) {
        if (const auto* known = gathering_.imports_.find(source.content, now_)) return *known;
        const auto script = read(source);
        if (!script) return nullptr;
        auto imports = std::make_shared<const std::vector<std::string>>(module_imports(*script, kMostSpecifiers));
        return gathering_.imports_.find_or_add(source.content, now_) = std::move(imports);
    }

    void add_font(const Page& page, const std::string& base) {
        for (const Page::Sheet& sheet : page.sheets) {
            if (sheet.url.empty()) {
                place({.sheet = std::make_shared<const Stylesheet>(read_stylesheet(sheet.css)), .path = base}, 0);
            } else {
                place_file(plain_target(sheet.url, base), {}, 0);
            }
        }
        std::vector<PlacedSheet> cascade;
        cascade.reserve(placed_.size());
        for (const Placed& placed : placed_) cascade.push_back({.sheet = placed.sheet.get(), .layered = placed.layered});
        const auto font = choose_font(cascade);
        if (!font) return;
        auto target = plain_target(font->url, placed_[font->sheet].path);
        if (!target || known_.contains(*target) || !find(*target, MediaClass::Font)) return;
        hints_.push_back({.kind = Hint::Kind::Font, .target = *std::move(target)});
    }

    void place_file(std::optional<std::string> target, Placed placed, unsigned depth) {
        const auto source = target && depth <= kDeepestImport ? find(*target, MediaClass::Style) : nullptr;
        if (source) placed.sheet = sheet_of(*source);
        if (target) placed.path = *std::move(target);
        place(std::move(placed), depth);
    }

    // What a sheet imports comes before it.
    void place(Placed placed, unsigned depth) {
        if (placed.sheet) {
            for (const Stylesheet::Import& import : placed.sheet->imports) {
                if (placed_.size() > limits_.files) return;
                place_file(plain_target(import.url, placed.path),
                           {.sheet = nullptr, .path = {}, .layered = placed.layered || import.layered}, depth + 1);
            }
        }
        placed_.push_back(std::move(placed));
    }

    void add_modules(const Page& page, const std::string& base) {
        for (const Page::Entry& entry : page.entries) {
            if (entry.url.empty()) {
                meet_all(module_imports(entry.script, kMostSpecifiers), {base, entry.with_credentials});
            } else if (auto target = plain_target(entry.url, base)) {
                if (met_.insert(*target).second) queue_.push_back({*std::move(target), entry.with_credentials});
            }
        }
        for (; !queue_.empty() && hints_.size() < kMostLinks; queue_.pop_front()) {
            const auto source = find(queue_.front().target, MediaClass::Script);
            const auto imports = source ? imports_of(*source) : nullptr;
            if (imports) meet_all(*imports, Module(queue_.front()));
        }
    }

    // `from`: who imports them.
    void meet_all(const std::vector<std::string>& specifiers, const Module& from) {
        for (const std::string& specifier : specifiers) {
            auto target = is_relative(specifier) ? plain_target(specifier, from.target) : std::nullopt;
            if (!target || !met_.insert(*target).second) continue;
            if (!find(*target, MediaClass::Script)) continue;
            queue_.push_back({*target, from.with_credentials});
            if (known_.contains(*target) || hints_.size() >= kMostLinks) continue;
            hints_.push_back(
                {.kind = Hint::Kind::Module, .target = *std::move(target), .with_credentials = from.with_credentials});
        }
    }

    Gathering& gathering_;
    catalogue::Catalogue& catalogue_;
    const config::Hints& limits_;
    const SteadyTime now_;
    unsigned files_left_;
    std::set<std::string, std::less<>> known_;  // the browser sees these itself
    std::vector<Placed> placed_;
    std::set<std::string, std::less<>> met_;
    std::deque<Module> queue_;
    HintList hints_;
};

HintList Gathering::hints_of(catalogue::Catalogue& catalogue, const catalogue::Source& page, const config::Hints& limits,
                             SteadyTime now) {
    return Visit(*this, catalogue, limits, now).hints_of(page);
}

}  // namespace selvage::hints
