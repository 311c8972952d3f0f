#include "server/warm_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "server/progress.h"
#include "server/warm_command_client.h"

namespace selvage::server {

namespace {

using std::chrono::steady_clock;

constexpr unsigned kMostTries = 20;  // of one request: a server that is busy for minutes has no time for this
constexpr std::size_t kMostFailuresTold = 20;

// The requests that are still to be sent, and what came of the others; shared by the threads that send them.
class Asking {
public:
    Asking(const WarmCommand& command, std::vector<WarmRequest> requests)
        : command_(command), total_(requests.size()), progress_(requests.size()) {
        for (WarmRequest& request : requests) left_.push_back({.request = std::move(request)});
    }

    int run() {
        const std::size_t jobs = std::clamp<std::size_t>(command_.jobs, 1, std::max<std::size_t>(total_, 1));
        std::vector<std::jthread> threads;
        threads.reserve(jobs);
        for (std::size_t i = 0; i < jobs; ++i) threads.emplace_back([this] { ask(); });
        threads.clear();  // joined
        progress_.clear();
        summarise();
        return failed_ > 0 ? 1 : 0;
    }

private:
    struct Entry {
        WarmRequest request;
        unsigned tries = 0;
        bool again = false;  // for a better one
    };

    void ask() {
        WarmClient client(command_.server);
        while (auto entry = next()) {
            ++entry->tries;
            const auto answer = client.get(entry->request.target, entry->request.accept, entry->request.host);
            heard(*std::move(entry), answer);
        }
    }

    // Waits until it may be sent. Nothing: there is no more. What comes back because the server is busy is sent by whoever had
    // it.
    std::optional<Entry> next() {
        std::unique_lock lock(mutex_);
        while (!left_.empty()) {
            const auto now = steady_clock::now();
            if (now >= earliest_) {
                if (command_.rate > 0) {
                    earliest_ =
                        std::max(earliest_, now - std::chrono::seconds(1)) +
                        std::chrono::duration_cast<steady_clock::duration>(std::chrono::duration<double>(1 / command_.rate));
                }
                Entry entry = std::move(left_.front());
                left_.pop_front();
                return entry;
            }
            changed_.wait_until(lock, earliest_);
        }
        return std::nullopt;
    }

    void heard(Entry entry, const Result<WarmClient::Answer>& answer) {
        const std::lock_guard lock(mutex_);
        if (!answer) return unreachable(std::move(entry), answer.error());
        bytes_ += answer->bytes;
        if (answer->status == 503 || answer->status == 429) {
            if (entry.tries >= kMostTries) return failed(entry, fmt::format("{} after {} tries", answer->status, entry.tries));
            earliest_ = std::max(earliest_, steady_clock::now() + answer->retry_after);
            ++told_to_wait_;
            left_.push_front(std::move(entry));
        } else if (answer->status < 200 || answer->status >= 300) {
            failed(entry, std::to_string(answer->status));
        } else if (!entry.again) {
            ++(answer->hit ? there_ : made_);
            if (answer->interim && command_.better) left_.push_back({.request = std::move(entry.request), .again = true});
        }
        progress_.show(there_ + made_ + failed_, bytes_text(bytes_));
    }

    // Once more, for a connection that was closed; a server that is not there answers nobody.
    void unreachable(Entry entry, const Error& error) {
        if (entry.tries < 2) return left_.push_front(std::move(entry));
        failed(entry, error.detail);
        if (there_ + made_ == 0) {
            failed_ += left_.size();
            left_.clear();
        }
    }

    void failed(const Entry& entry, const std::string& why) {
        if (++failed_ > kMostFailuresTold) return;
        progress_.clear();
        fmt::print(stderr, "selvage: {} ({}): {}\n", entry.request.target, entry.request.accept, why);
    }

    void summarise() const {
        fmt::print("{} asked: {} were there, {} made, {} failed; {} in {:.1f} s{}\n", there_ + made_ + failed_, there_, made_,
                   failed_, bytes_text(bytes_), progress_.elapsed().count(),
                   told_to_wait_ ? fmt::format("; {} times told to wait", told_to_wait_) : "");
    }

    const WarmCommand& command_;
    const std::size_t total_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Entry> left_;
    steady_clock::time_point earliest_;
    std::size_t there_ = 0, made_ = 0, failed_ = 0, told_to_wait_ = 0;
    std::uint64_t bytes_ = 0;
    Progress progress_;
};

// "http://host:8080/a/b.html" → "http://host:8080" and "/a/b.html".
std::pair<std::string, std::string> split_url(const std::string& url) {
    const auto path = url.find('/', url.find("://") + 3);
    if (path == std::string::npos) return {url, "/"};
    return {url.substr(0, path), url.substr(path)};
}

bool is_url(const std::string& text) { return text.starts_with("http://") || text.starts_with("https://"); }

class Listing {
public:
    Listing(const WarmCommand& command, std::vector<std::string> accepts)
        : command_(command), accepts_(std::move(accepts)), authority_(command.server.substr(command.server.find("://") + 3)) {
        hosts_ = command.hosts;
        hosts_.push_back(authority_);
        hosts_.push_back(authority_.substr(0, authority_.rfind(':')));
        if (!command.host.empty()) hosts_.push_back(command.host);
    }

    Result<std::vector<WarmRequest>> list() {
        if (!command_.ladder.empty()) TRY(add_ladder());
        if (!command_.from_html.empty()) TRY(add_pages());
        if (!command_.from_access_log.empty()) {
            add(TRY(log_requests(command_.from_access_log, command_.top, command_.host, accepts_)));
        }
        return std::move(all_);
    }

private:
    Result<void> add_ladder() {
        const auto widths = TRY(parse_ladder(command_.ladder));
        if (command_.sites.empty()) return fail(ErrorKind::BadRequest, "--ladder needs the site's folder: DIR or --config");
        for (WarmSite site : command_.sites) {
            if (!command_.host.empty()) site.host = command_.host;
            add(TRY(ladder_requests(site, widths, accepts_)));
        }
        return {};
    }

    Result<void> add_pages() {
        const std::string host = !command_.host.empty() ? command_.host : command_.sites.empty() ? "" : command_.sites[0].host;
        const auto add_page = [&](const std::string& target, const std::string& html) {
            add(page_requests(html, target, hosts_, host, accepts_));
        };
        if (is_url(command_.from_html)) {
            const std::string target = split_url(command_.from_html).second;
            const auto page = TRY(WarmClient(command_.server).get(target, "text/html,*/*;q=0.8", host, WarmClient::Body::Kept));
            if (page.status != 200) {
                return fail(ErrorKind::NotFound, fmt::format("{}: the answer was {}", command_.from_html, page.status));
            }
            add_page(target, page.body);
            return {};
        }
        const std::string root = command_.sites.empty() ? "" : command_.sites[0].root;
        for (const PageFile& page : TRY(read_pages(command_.from_html, root))) add_page(page.target, page.html);
        return {};
    }

    void add(std::vector<WarmRequest> requests) {
        for (WarmRequest& request : requests) {
            if (request.host == authority_) request.host.clear();
            if (known_.insert(request).second) all_.push_back(std::move(request));
        }
    }

    const WarmCommand& command_;
    const std::vector<std::string> accepts_;
    const std::string authority_;
    std::vector<std::string> hosts_;
    std::set<WarmRequest> known_;
    std::vector<WarmRequest> all_;
};

int refuse(const Error& error) {
    fmt::print(stderr, "selvage: {}\n", error.detail);
    return error.kind == ErrorKind::BadRequest ? 2 : 1;
}

}  // namespace

int run_warm_command(const WarmCommand& command) {
    if (command.ladder.empty() && command.from_html.empty() && command.from_access_log.empty()) {
        return refuse(
            {.kind = ErrorKind::BadRequest, .detail = "nothing to ask for: --ladder, --from-html or --from-access-log"});
    }
    WarmCommand asked = command;
    if (asked.server.empty()) asked.server = is_url(asked.from_html) ? split_url(asked.from_html).first : "http://127.0.0.1:8080";
    if (!is_url(asked.server)) {
        return refuse(
            {.kind = ErrorKind::BadRequest, .detail = fmt::format("--url {}: expected http://ADDR:PORT", asked.server)});
    }
    asked.server = split_url(asked.server).first;
    auto accepts = accepts_of(asked.formats);
    if (!accepts) return refuse(accepts.error());
    auto requests = Listing(asked, *std::move(accepts)).list();
    if (!requests) return refuse(requests.error());
    if (asked.dry_run) {
        for (const WarmRequest& request : *requests) {
            fmt::print("{}{}\t{}{}{}\n", asked.server, request.target, request.accept, request.host.empty() ? "" : "\t",
                       request.host);
        }
        return 0;
    }
    return Asking(asked, *std::move(requests)).run();
}

}  // namespace selvage::server
