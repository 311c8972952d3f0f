#include "server/explain_subject.h"

#include <algorithm>
#include <filesystem>

#include "base/ascii.h"
#include "base/url.h"
#include "server/handlers/image_refusal.h"
#include "server/http/media_types.h"
#include "transforms/dialects/canonical.h"

namespace selvage::server {

namespace {

using FieldTexts = std::vector<std::pair<std::string, std::string>>;

// What Chromium sends for a script or stylesheet, or for a picture.
const FieldTexts kBrowser = {{"accept-encoding", "gzip, deflate, br, zstd"},
                             {"accept", "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"}};

Result<std::pair<std::string, std::string>> field_of(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == 0 || colon == std::string_view::npos) {
        return fail(ErrorKind::BadRequest, "-H " + std::string(line) + ": expected 'Name: value'");
    }
    std::string name(line.substr(0, colon));
    std::ranges::transform(name, name.begin(), to_lower);
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    while (value.ends_with(' ')) value.remove_suffix(1);
    return std::pair(std::move(name), std::string(value));
}

// A wildcard is no name that a client would send.
std::string host_of(const config::Site& site) {
    const std::string& first = site.hosts.front();
    if (first == "*") return "localhost";
    return first.starts_with("*.") ? "www" + first.substr(1) : first;
}

http::Request request_of(const Asked& asked) {
    http::Request request;
    request.method = http::Method::Get;
    request.protocol = http::Protocol::Http2;
    request.secure = asked.scheme == "https";
    request.method_text = "GET";
    request.authority = asked.authority;
    request.target = asked.target;
    request.peer = "127.0.0.1";
    for (const auto& [name, value] : asked.fields) request.fields.push_back({name, value});
    return request;
}

// The image that the URL asks for; nothing when it asks for the file.
std::optional<AskedImage> image_of(const Subject& subject, const handlers::Located& located) {
    if (!subject.source->image) return std::nullopt;
    // The handler that would take it says whether it does.
    if (!handlers::make_image_handler(subject.house.services())->open(located, subject.query)) return std::nullopt;
    AskedImage image;
    auto parsed = transforms::parse_canonical(subject.query, subject.site->dialect);
    if (!parsed) {
        image.refused = std::move(parsed).error();
        return image;
    }
    image.plain = !*parsed;
    if (*parsed) image.request = **std::move(parsed);
    if (const auto refusal = handlers::policy_against(located)) image.refused = refusal->error;
    if (const auto refusal = handlers::limits_exceeded(located); refusal && !image.refused) image.refused = refusal->error;
    if (image.refused || !subject.house.meet_worker()) return image;
    image.variant.emplace(handlers::choose_variant(located, subject.source, image.request.plan,
                                                   transforms::parse_accept(subject.request.field("accept")),
                                                   subject.house.services().images));
    image.stored = subject.house.store().fetch(image.variant->key, {}).object;
    return image;
}

// Would an answer cost the making of an image?
bool must_be_made(const AskedImage& image) {
    if (image.refused || !image.variant || image.stored) return false;
    return !image.plain || image.variant->order.format != image.variant->source->image->format;
}

void look_at_source(Subject& subject) {
    const handlers::Located located{
        .snapshot = subject.house.snapshot(), .site = subject.site, .rule = subject.rule, .source = subject.source};
    std::error_code error;
    subject.is_kept = !std::filesystem::exists(subject.file(), error);
    subject.image = image_of(subject, located);
    if (!subject.image || !must_be_made(*subject.image)) subject.answer = subject.house.ask(subject.request);
}

void look_at_path(Subject& subject) {
    subject.rule = subject.site->rule_for(subject.path);
    const auto folder =
        origins::Folder::open(subject.site->settings->root, {.follow_symlinks = subject.site->settings->follow_symlinks});
    std::string path = subject.path;
    if (path.ends_with('/')) path += "index.html";
    if (folder && origins::may_be_served(path)) {
        catalogue::FolderVotes votes(1);
        subject.standing = votes.judge(**folder, path, false, std::chrono::steady_clock::now());
    }
    auto entry = subject.site->catalogue->resolve(subject.path);
    if (!entry) {
        subject.missing = entry.error().detail;
    } else if (const auto* source = std::get_if<catalogue::SourcePtr>(&*entry)) {
        subject.source = *source;
        return look_at_source(subject);
    } else if (std::holds_alternative<catalogue::Directory>(*entry)) {
        subject.missing = "a folder: the client is sent to the same path with a slash at its end";
    } else {
        subject.missing =
            origins::may_be_served(path) ? "nothing there" : "nothing there that is served: a name that begins with a dot";
    }
    subject.answer = subject.house.ask(subject.request);
}

}  // namespace

std::string Subject::file() const {
    std::string root = site->settings->root;
    while (root.ends_with('/')) root.pop_back();
    return root + (source ? source->path : path);
}

std::string_view Subject::answered(std::string_view field) const {
    if (!answer || !answer->head) return {};
    for (std::size_t i = 0; i < answer->extra.size(); ++i) {
        if (answer->extra.at(i).name == field) return answer->extra.at(i).value;
    }
    return answer->head->field(field);
}

http::CacheFacts Subject::cache_facts() const {
    http::CacheFacts facts{.path = source ? std::string_view(source->path) : std::string_view(path),
                           .media_class = image ? http::MediaClass::Image : http::media_type_of(path).media_class,
                           .fingerprinted = source ? source->fingerprinted : standing.fingerprinted,
                           .status = answer ? answer->status : std::uint16_t{200},
                           .page_life = site ? site->settings->page_deltas : std::chrono::seconds{0}};
    for (const QueryParam& param : split_query(query)) {
        if (param.key == "v" && source)
            facts.verified = handlers::names_content(param.value, source->content) == handlers::VersionMatch::Matches;
    }
    if (source) facts.media_class = image ? http::MediaClass::Image : http::media_type_of(source->path).media_class;
    return facts;
}

Result<Asked> asked_of(const config::Config& config, std::string_view url, const std::vector<std::string>& headers) {
    Asked asked;
    if (const std::size_t colon = url.find("://"); colon != std::string_view::npos) {
        asked.scheme = url.substr(0, colon);
        if (asked.scheme != "http" && asked.scheme != "https")
            return fail(ErrorKind::BadRequest, std::string(url) + ": expected http:// or https://");
        const std::string_view rest = url.substr(colon + 3);
        const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
        asked.authority = rest.substr(0, end);
        asked.target = rest.substr(end);
    } else {
        asked.any_site = true;
        asked.authority = host_of(config.sites.front());
        asked.target = url;
    }
    asked.target = asked.target.substr(0, asked.target.find('#'));
    if (!asked.target.starts_with('/'))
        asked.target = (asked.any_site || asked.target.starts_with('?') ? "/" : "") + asked.target;
    if (asked.target.empty()) asked.target = "/";
    asked.as_browser = headers.empty();
    if (asked.as_browser) asked.fields = kBrowser;
    for (const std::string& line : headers) asked.fields.push_back(TRY(field_of(line)));
    return asked;
}

Result<Subject> look_at(const config::Config& config, const Asked& asked, ExplainHouse& house) {
    Subject subject{.config = config, .asked = asked, .house = house, .request = request_of(asked)};
    const TargetParts target = split_target(asked.target);
    subject.path = TRY(normalise_path(target.path));
    subject.query = target.query;
    subject.site = house.snapshot()->find(asked.authority);
    if (subject.site == nullptr) {
        subject.answer = house.ask(subject.request);
        return subject;
    }
    look_at_path(subject);
    return subject;
}

}  // namespace selvage::server
