#include "server/catalogue/pages_dictionary.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <string_view>
#include <utility>

#include "base/file_descriptor.h"
#include "transforms/encodings/dcz.h"
#include "transforms/encodings/training.h"

namespace selvage::catalogue {
namespace {

constexpr std::size_t kFewestPages = 8;
constexpr std::uint64_t kFewestBytes = 32 << 10;
constexpr std::size_t kMostPages = 512, kMostBytes = 8 << 20, kMostOfOne = 128 << 10;  // of the sample
constexpr std::size_t kJudges = 32;                                                    // pages that are not trained with

// How many KiB pay depends on how long the pages are and how much of them is the same: 32 to 112 on three documentation sites of
// Debian, where 64 saved 14, 34 and 53 % of br-11.
constexpr auto kSizes = std::to_array<std::size_t>({16 << 10, 32 << 10, 64 << 10, 112 << 10});
// It must pay, with what it costs to fetch, for who reads so many pages; and a new one for who has the one before.
constexpr std::size_t kReads = 20;
constexpr std::chrono::hours kBetween{24};

struct Sample {
    std::vector<std::string> train, judge;
};

// In the order of their hashes, which says nothing about what they are.
std::vector<const Page*> mixed(const std::vector<Page>& pages) {
    std::vector<const Page*> order;
    order.reserve(pages.size());
    for (const Page& page : pages) order.push_back(&page);
    std::ranges::sort(order, {}, [](const Page* page) { return page->content; });
    const auto [first, last] = std::ranges::unique(order, {}, [](const Page* page) { return page->content; });
    order.erase(first, last);
    return order;
}

Sample sample_of(const std::vector<Page>& pages, const PagesDictionary::Read& read) {
    Sample sample;
    std::size_t bytes = 0;
    for (const Page* page : mixed(pages)) {
        if (sample.train.size() + sample.judge.size() >= kMostPages || bytes >= kMostBytes) break;
        auto text = read(*page);
        if (!text) continue;
        if (text->size() > kMostOfOne) text->resize(kMostOfOne);
        bytes += text->size();
        // Every fourth is a judge.
        const bool judges = sample.judge.size() < kJudges && 3 * sample.judge.size() < sample.train.size();
        (judges ? sample.judge : sample.train).push_back(*std::move(text));
    }
    return sample;
}

// Bytes.
std::size_t coded_size(std::string_view bytes, std::string_view dictionary) {
    const auto coded = transforms::dcz_encode(bytes, {.bytes = dictionary, .hash = {}}, transforms::kDczBest.front());
    return coded ? coded->size() : bytes.size();
}

// What who reads some pages is sent for them, bytes.
std::size_t reading(const Sample& sample, std::string_view dictionary) {
    std::size_t all = 0;
    for (const std::string& page : sample.judge) all += coded_size(page, dictionary);
    return kReads * all / std::max<std::size_t>(sample.judge.size(), 1);
}

struct Trained {
    std::string bytes;
    std::size_t reading = 0, fetching = 0;
    std::size_t cost() const { return reading + fetching; }
};

// Of several sizes the one that pays best.
std::optional<Trained> trained(const Sample& sample) {
    const std::vector<std::string_view> views(sample.train.begin(), sample.train.end());
    std::optional<Trained> best;
    for (const std::size_t size : kSizes) {
        auto made = transforms::train_dictionary(views, size);
        if (!made) continue;
        Trained each{.bytes = *std::move(made)};
        each.reading = reading(sample, each.bytes);
        each.fetching = coded_size(each.bytes, {});
        if (!best || each.cost() < best->cost()) best = std::move(each);
    }
    return best;
}

// The ledger copies from descriptors.
bool keep(releases::Ledger& ledger, const Sha256& content, std::string_view bytes) {
    const FileDescriptor file(::memfd_create("pages-dictionary", MFD_CLOEXEC));
    if (!file) return false;
    for (std::string_view left = bytes; !left.empty();) {
        const ssize_t written = ::write(file.number(), left.data(), left.size());
        if (written <= 0) return false;
        left.remove_prefix(static_cast<std::size_t>(written));
    }
    ledger.keep(content, file.number(), bytes.size());
    return ledger.contents().kept(content);
}

releases::Present present_of(const releases::Seen& seen) {
    return {.path = seen.path,
            .content = seen.content,
            .size = seen.size,
            .modified = seen.modified,
            .fingerprinted = true,
            .compressible = true,
            .offering = releases::Offering::Site};
}

Sha256 digest_of(const std::vector<Page>& pages) {
    std::string all;
    for (const Page* page : mixed(pages)) all += as_text(page->content);
    return sha256(all);
}

}  // namespace

bool PagesDictionary::due(const releases::Ledger& ledger, const std::vector<Page>& pages, WallTime now) {
    const auto since = ledger.pages_dictionary_since();
    const auto last = std::max(tried_.value_or(WallTime{}), since.value_or(WallTime{}));
    // A folder that is being filled is looked at again when there is twice as much.
    const bool grown = tried_ && pages.size() >= 2 * tried_pages_;
    if (now - last < kBetween && !grown) return false;
    const Sha256 of = digest_of(pages);
    if (tried_ && of == tried_of_) return false;
    tried_ = now;
    tried_of_ = of;
    tried_pages_ = pages.size();
    return true;
}

std::optional<releases::Present> PagesDictionary::with(releases::Ledger& ledger, const std::vector<Page>& pages,
                                                       const Read& read) {
    std::uint64_t bytes = 0;
    for (const Page& page : pages) bytes += page.size;
    if (pages.size() < kFewestPages || bytes < kFewestBytes) return std::nullopt;

    const auto before = ledger.pages_dictionary();
    auto as_before = before ? std::optional(present_of(*before)) : std::nullopt;
    const WallTime now = ledger.now();
    if (!due(ledger, pages, now)) return as_before;

    const Sample sample = sample_of(pages, read);
    const auto made = trained(sample);
    if (!made) return as_before;
    const auto known = before ? ledger.read(before->content) : fail(ErrorKind::NotFound, "");
    const std::size_t so_far = reading(sample, known ? (*known)->view() : std::string_view());
    const bool pays = made->cost() < so_far;
    const LogLevel level = pays ? LogLevel::Info : LogLevel::Debug;
    if (log_.enabled(level)) {
        log_.write(level, "dictionary",
                   fmt::format("{}: {} pages take {} B each so far, {} B with a dictionary made of {}, which takes {} B{}",
                               ledger.root(), sample.judge.size(), so_far / kReads, made->reading / kReads, sample.train.size(),
                               made->fetching, pays ? "" : ": it does not pay"));
    }
    if (!pays) return as_before;

    const Sha256 content = sha256(made->bytes);
    if (!keep(ledger, content, made->bytes)) return as_before;
    return present_of(
        {.path = releases::pages_dictionary_path(content), .content = content, .size = made->bytes.size(), .modified = now});
}

}  // namespace selvage::catalogue
