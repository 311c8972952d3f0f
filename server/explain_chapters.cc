#include "server/explain_chapters.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/fields.h"
#include "base/time.h"
#include "base/url.h"
#include "server/explain_dictionary.h"
#include "server/explain_images.h"
#include "server/http/media_types.h"
#include "server/http/status_line.h"
#include "server/representations/select.h"

namespace selvage::server {

namespace {

using transforms::Coding;

std::string grouped(std::uint64_t number) {  // 1234567 → "1,234,567"
    std::string text = std::to_string(number);
    for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
        text.insert(static_cast<std::size_t>(at), 1, ',');
    return text;
}

Lines url(const Subject& subject) {
    Lines lines{fmt::format("{}://{}{}", subject.asked.scheme, subject.asked.authority, subject.asked.target)};
    for (const auto& [name, value] : subject.asked.fields) lines.push_back(fmt::format("{}: {}", name, value));
    if (subject.asked.as_browser) lines.emplace_back("as a browser asks; -H asks otherwise");
    return lines;
}

Lines site(const Subject& subject) {
    if (subject.site == nullptr) return {"none has this host: 421"};
    std::string hosts;
    for (const std::string& host : subject.site->settings->hosts) hosts += (hosts.empty() ? "" : ", ") + host;
    return {fmt::format("{} (hosts: {})", subject.site->settings->root, hosts)};
}

Lines rule(const Subject& subject) {
    if (subject.site == nullptr) return {};
    const auto& rules = subject.site->settings->rules;
    if (subject.rule == nullptr) {
        return {rules.empty() ? "the site has none" : fmt::format("none of {} matches {}", rules.size(), subject.path)};
    }
    Lines lines{
        fmt::format("number {} of {}: match = \"{}\"", subject.rule - rules.data() + 1, rules.size(), subject.rule->match)};
    if (subject.rule->bypass) lines.emplace_back("bypass: nothing that is made of it is stored");
    for (const auto& [name, value] : subject.rule->headers) lines.push_back(fmt::format("sets {}: {}", name, value));
    return lines;
}

Lines file(const Subject& subject) {
    if (subject.site == nullptr) return {};
    if (!subject.source) return {subject.file() + ": " + subject.missing};
    const catalogue::Source& source = *subject.source;
    Lines lines{fmt::format("{}, {} bytes, {}", subject.file(), grouped(source.size), source.media_type),
                fmt::format("SHA-256 {}", hex(source.content))};
    if (subject.is_kept) lines.emplace_back("the folder has it no longer: it is kept from an earlier release");
    return lines;
}

// Is the name a hash of the content?
Lines name(const Subject& subject) {
    if (subject.site == nullptr) return {};
    const catalogue::Standing& standing = subject.standing;
    const http::Fingerprint& found = standing.fingerprint;
    if (found.kind == http::Fingerprint::None) return {"not fingerprinted: it has the shape of no build tool's names"};
    const bool trusted = subject.source ? subject.source->fingerprinted : standing.fingerprinted;
    Lines lines{fmt::format("{}: {}", trusted ? "fingerprinted" : "not fingerprinted", to_string(found))};
    const std::string path = subject.source ? subject.source->path : subject.path;
    if (found.hash.length != 0) lines.push_back(fmt::format("the hash would be \"{}\"", found.hash.of(path)));
    if (trusted && found.hash.length != 0) lines.back().replace(0, 17, "the hash is");
    if (standing.vote) {
        lines.push_back(fmt::format("by itself it could be a word or a number: its folder {}",
                                    standing.fingerprinted ? "vouches for it" : "decides"));
        lines.push_back(to_string(*standing.vote));
    } else if (found.kind == http::Fingerprint::Possible) {
        lines.emplace_back("it is a word, a number or a date: a hash would hardly come out like it");
    }
    if (standing.fingerprinted && !trusted && subject.source)
        lines.emplace_back("demoted: another content was served under this name before");
    return lines;
}

// ---- codings

std::string_view level_of(Coding coding) {
    switch (coding) {
        case Coding::Brotli:
            return "br-11";
        case Coding::Zstd:
            return "zstd-19";
        case Coding::Gzip:
            return "gzip-9";
        case Coding::Identity:
            break;
    }
    return "";
}

cache_store::Found stored_best(const Subject& subject, Coding coding) {
    return subject.house.store().fetch(representations::Codings::key(*subject.source, coding, transforms::Effort::Best), {});
}

// Why there is none, although there could be.
std::string_view missing_coding(const Subject& subject) {
    for (const auto& row : transforms::kCodings) {
        if (stored_best(subject, row.coding)) return "would not save enough beside the others, or is still to be made";
    }
    return "is made in the background once the file is asked for";
}

std::string coding_row(const Subject& subject, Coding coding, bool accepted) {
    const catalogue::Source& source = *subject.source;
    const auto& row = transforms::row_of(coding);
    std::string text = fmt::format("{:<9}", row.token);
    const auto sidecar = std::ranges::find(source.sidecars, coding, &catalogue::Sidecar::coding);
    if (sidecar != source.sidecars.end()) {
        text += fmt::format("{:>12}  sidecar {}{}", grouped(sidecar->size), source.path.substr(source.path.rfind('/') + 1),
                            row.extension);
    } else if (const auto best = stored_best(subject, coding)) {
        text += fmt::format("{:>12}  {}, stored{}", grouped(best.object->body->size()), level_of(coding),
                            best.stale ? ", purged softly" : "");
    } else if (representations::Codings::improves(source)) {
        text += fmt::format("{:>12}  {} {}", "-", level_of(coding), missing_coding(subject));
    } else {
        text += fmt::format("{:>12}  {}", "-", representations::why_not_coded(source));
    }
    return accepted ? text : text + " (not accepted)";
}

std::string sent(const Subject& subject) {
    const std::string_view coding = subject.answered("content-encoding");
    const std::string name = coding.empty() ? "identity" : std::string(coding);
    const http::Answer& answer = *subject.answer;
    if (answer.body.grows()) return name + ", made for this request and sent while it is made";
    std::string bytes = fmt::format("{}, {} bytes", name, grouped(answer.body.length()));
    if (answer.verdict != http::Verdict::Miss) return bytes;
    return bytes + fmt::format(", made for this request in {} ms: fast, to be replaced by the best",
                               (answer.fill_time.count() + 999) / 1000);
}

Lines coding(const Subject& subject) {
    if (!subject.source || !subject.answer || subject.answer->status >= 300 || (subject.image && subject.image->variant))
        return {};
    const catalogue::Source& source = *subject.source;
    const auto accepted = http::accepted_codings(subject.request);
    const bool range = subject.request.has("range");
    const auto known = subject.house.services().codings.of(source);
    const auto choice =
        representations::select_coding(accepted, source, known ? known->sizes() : representations::CodedSizes{}, range);
    Lines lines{sent(subject), std::string(representations::why(choice, accepted, source, range))};
    if (!representations::varies_by_coding(source)) return lines;
    lines.push_back(fmt::format("{:<9}{:>12}  the file", "identity", grouped(source.size)));
    for (const auto& row : transforms::kCodings) lines.push_back(coding_row(subject, row.coding, accepted.accepts(row.coding)));
    return lines;
}

// ---- what caches are told

Lines cache(const Subject& subject) {
    if (subject.site == nullptr) return {};
    const http::CacheFacts facts = subject.cache_facts();
    const std::string by_policy = http::cache_control(facts, subject.rule);
    const std::string_view answered = subject.answered("cache-control");
    if (subject.answer && facts.status >= 300 && facts.status < 400) return {std::string(answered)};
    Lines lines{answered.empty() ? by_policy : std::string(answered)};
    if (!answered.empty() && answered != by_policy) {
        const bool own = subject.rule != nullptr && std::ranges::any_of(subject.rule->headers, [](const auto& field) {
                             return equals_ignoring_case(field.first, "cache-control");
                         });
        lines.emplace_back(own ? "the rule's own field" : "for now: what is sent is to be replaced by something better");
        return lines;
    }
    std::ranges::move(http::why_cache_control(facts, subject.rule), std::back_inserter(lines));
    return lines;
}

Lines vary(const Subject& subject) {
    if (!subject.answer) return {};
    std::string all(subject.answer->head ? subject.answer->head->field("vary") : std::string_view());
    for (std::size_t i = 0; i < subject.answer->extra.size(); ++i) {
        const http::Field field = subject.answer->extra.at(i);
        if (field.name == "vary") all += (all.empty() ? "" : ", ") + std::string(field.value);
    }
    return {all.empty() ? "nothing: every client is sent the same" : all};
}

Lines validators(const Subject& subject) {
    const std::string_view tag = subject.answered("etag");
    if (tag.empty()) return {};
    Lines lines{fmt::format("ETag {}, Last-Modified {}", tag, subject.answered("last-modified"))};
    if (subject.source && tag.contains(subject.source->etag))
        lines.emplace_back("the tag is of the content's SHA-256, its end names the coding: the same on every server");
    return lines;
}

Lines store(const Subject& subject) {
    ReadStore& store = subject.house.store();
    if (!store.problem().empty()) return {store.problem()};
    if (!subject.source) return {};
    Lines lines;
    for (const auto& object : store.made_of(subject.source->content)) {
        const auto facts = representations::from_meta(object.meta);
        lines.push_back(fmt::format("{:>12}  {:%F %T}Z  {}", grouped(object.header.body_length),
                                    fmt::gmtime(std::chrono::system_clock::to_time_t(object.header.created)),
                                    facts && !facts->made_for.empty() ? facts->made_for : "-"));
    }
    std::ranges::sort(lines);
    const std::string where = store.running() ? "; a server runs on it, whose memory is not known here" : "";
    lines.insert(lines.begin(), fmt::format("{} made of this content in {}{}", lines.size(), subject.config.cache.path, where));
    return lines;
}

Lines answer(const Subject& subject) {
    if (!subject.answer) return {"none was asked for: the image would have to be made"};
    const http::Answer& answer = *subject.answer;
    Lines lines{fmt::format("{} {}", answer.status, http::reason_phrase(answer.status))};
    if (!answer.head) return lines;
    for (const auto& [name, value] : answer.head->fields()) lines.push_back(fmt::format("{}: {}", name, value));
    for (std::size_t i = 0; i < answer.extra.size(); ++i) {
        lines.push_back(std::string(answer.extra.at(i).name) + ": " + std::string(answer.extra.at(i).value));
    }
    return lines;
}

}  // namespace

const std::array<Chapter, 13> kChapters = {{
    {"url", url},
    {"site", site},
    {"rule", rule},
    {"file", file},
    {"name", name},
    {"image", explain_image},
    {"coding", coding},
    {"dictionary", explain_dictionary},
    {"cache-control", cache},
    {"vary", vary},
    {"validators", validators},
    {"store", store},
    {"answer", answer},
}};

}  // namespace selvage::server
