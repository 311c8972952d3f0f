#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "server/handlers/handler.h"
#include "server/releases/history.h"
#include "server/representations/deltas.h"

namespace selvage::handlers {

// What a file has to do with compression dictionaries: it is offered as one, and sent as a difference to one. Of one loop.
// static-delivery §5, RFC 9842.
//
// Only what is the same for everybody and fresh for a day, or a page of a site that wants it, over TLS: then it does not matter
// whether a request has a cookie or Authorization, as neither the file, nor what it is coded with, nor the choice between the two
// depends on them.
class FileDictionaries {
public:
    // Why this file cannot have to do with them, as far as can be told without its head; "" when it can.
    static std::string_view obstacle(const config::Dictionaries& options, const Located& located, bool verified);
    // Can it? Most cannot.
    static bool possible(const Services& services, const Located& located, bool verified);
    // May what has this head, the file's own after the rule, have to do with them?
    static bool suits(const Located& located, const http::Head& head);
    // `head`: the same. Null: it is not for everybody, or not for long.
    static std::unique_ptr<FileDictionaries> of(const Located& located, const http::Head& head);

    // How much of dictionaries a response's head says.
    enum class Terms : std::uint8_t {
        None,    // nothing: the connection is not secure
        Varies,  // there are responses coded with one
        Offers,  // and this one may serve as one
    };
    Terms terms(const http::Request& request) {
        if (!request.secure) return Terms::None;
        if (history_->changes() != seen_) look();
        return offers() && allows(request) ? Terms::Offers : Terms::Varies;
    }

    // May what this request is answered with be coded with a dictionary? RFC 9842 §9.3.3.
    bool allows(const http::Request& request) const {
        // Most clients say that they are of the same origin, or nothing.
        if (request.secure && request.field("sec-fetch-site") == "same-origin") return true;
        return allows_by_mode(request);
    }

    // Its size when this content is one of the site's that everybody may have. In constant time: it is any client's word.
    std::optional<std::uint64_t> size_of(const Sha256& dictionary) const { return history_->size_of(dictionary); }

    // As of the last terms(): the value of Use-As-Dictionary; and the path of the dictionary made of the site's pages, when this
    // is one of them. "": none.
    const std::string& offer() const { return offer_; }
    const std::string& announced() const { return announced_; }

    bool of_page() const { return page_; }
    bool is_announced(const Sha256& dictionary) const { return !announced_.empty() && dictionary == announced_content_; }

    representations::DeltaPair pair(const Located& located, const Sha256& dictionary) const;

    // Changes when the offer does.
    std::uint64_t version() const { return version_; }

private:
    FileDictionaries(std::shared_ptr<releases::History> history, const Located& located, const http::Head& head);
    bool offers() const { return !offer_.empty() || !announced_.empty(); }
    bool allows_by_mode(const http::Request& request) const;
    void look();

    const std::shared_ptr<releases::History> history_;
    const catalogue::SourcePtr source_;
    const std::string allow_origin_;  // Access-Control-Allow-Origin of its responses; "": none
    const bool page_;
    const bool announces_;  // the dictionary made of the site's pages
    const bool may_offer_;
    std::uint64_t seen_ = ~std::uint64_t{0};
    std::uint64_t version_ = 0;
    std::string offer_, announced_;
    Sha256 announced_content_{};
};

}  // namespace selvage::handlers
