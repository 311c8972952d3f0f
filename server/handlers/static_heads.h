#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "server/handlers/handler.h"
#include "server/handlers/static_dictionaries.h"
#include "server/hints/hints.h"
#include "server/representations/codings.h"

namespace selvage::handlers {

// The heads of a file's representations, kept once they were sent. Of one loop.
class FileHeads {
public:
    // `located` outlives it.
    FileHeads(HeadCache& cache, const Located& located, bool verified, hints::HintSetPtr hints)
        : cache_(cache), located_(located), verified_(verified), hints_(std::move(hints)) {}

    // Without a word of dictionaries.
    const HeadCache::Heads& of(transforms::Coding coding, representations::Stage stage) {
        const HeadCache::Heads& heads = heads_[place_of(coding, stage)];
        return heads.full ? heads : make(coding, stage);
    }
    // With; `terms` is not None.
    const HeadCache::Heads& of(transforms::Coding coding, representations::Stage stage, const FileDictionaries& dictionaries,
                               FileDictionaries::Terms terms) {
        if (secure_ && secure_->version == dictionaries.version()) {
            const HeadCache::Heads& heads = secure_->of(terms)[place_of(coding, stage)];
            if (heads.full) return heads;
        }
        return make(coding, stage, dictionaries, terms);
    }

    // What a head says of the body's coding.
    struct Spelling {
        std::string_view token;   // Content-Encoding; "": none but the file's own
        std::string_view suffix;  // of the entity tag
    };
    HeadCache::Heads of(const Spelling& coded, const FileDictionaries& dictionaries, FileDictionaries::Terms terms) const;

    // Of entity tags. Each stage has other bytes: a strong tag must tell them apart (RFC 9110 §8.8.3).
    static std::string_view suffix_of(transforms::Coding coding, representations::Stage stage) {
        return kSuffixes[place_of(coding, stage)];
    }

private:
    static constexpr auto kSuffixes = std::to_array<std::string_view>(
        {"", "", "", "-gz", "-gz.fast", "-gz.better", "-br", "-br.fast", "-br.better", "-zstd", "-zstd.fast", "-zstd.better"});
    using HeadSet = std::array<HeadCache::Heads, kSuffixes.size()>;
    struct SecureHeads {
        HeadSet varying, offering;
        std::uint64_t version = 0;  // of the offer

        HeadSet& of(FileDictionaries::Terms terms) { return terms == FileDictionaries::Terms::Offers ? offering : varying; }
    };

    static std::size_t place_of(transforms::Coding coding, representations::Stage stage) {
        return 3 * static_cast<std::size_t>(coding) + static_cast<std::size_t>(stage);
    }
    static Spelling spelling_of(transforms::Coding coding, representations::Stage stage);
    const HeadCache::Heads& make(transforms::Coding coding, representations::Stage stage);
    const HeadCache::Heads& make(transforms::Coding coding, representations::Stage stage, const FileDictionaries& dictionaries,
                                 FileDictionaries::Terms terms);
    HeadCache::Heads find(const Spelling& coded, const FileDictionaries* dictionaries, FileDictionaries::Terms terms) const;
    HeadCache::Heads build(const Spelling& coded, const FileDictionaries* dictionaries, FileDictionaries::Terms terms) const;

    HeadCache& cache_;
    const Located& located_;
    const bool verified_;
    const hints::HintSetPtr hints_;        // null: none
    HeadSet heads_;                        // built when first sent
    std::unique_ptr<SecureHeads> secure_;  // that speak of dictionaries
};

}  // namespace selvage::handlers
