#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "server/http/message.h"
#include "server/http/session.h"
#include "server/loop/loop.h"
#include "server/loop/work_pool.h"

namespace selvage::testing {

// What a session says. `limit` is what it may say in one flush.
class Text final : public http::Output {
public:
    explicit Text(std::size_t limit) : limit_(limit) {}
    std::size_t room() const override { return bytes.size() < limit_ ? limit_ - bytes.size() : 0; }
    void append(std::string_view more) override { bytes += more; }
    std::string bytes;

private:
    std::size_t limit_;
};

// Replies that the test completes, in any order, later.
class Desk {
public:
    using Done = std::move_only_function<void(http::Answer)>;

    http::Pending pending() {
        slots_.push_back(std::make_shared<Slot>());
        return std::make_unique<Reply>(slots_.back());
    }
    std::size_t handed_out() const { return slots_.size(); }
    bool dropped(std::size_t index) const { return slots_.at(index)->dropped; }
    bool withdrawn(std::size_t index) const { return slots_.at(index)->withdrawn; }
    void complete(std::size_t index, http::Answer answer) {
        const std::shared_ptr<Slot> slot = slots_.at(index);
        if (slot->dropped || !slot->done) return;
        auto done = std::move(slot->done);
        done(std::move(answer));
    }

private:
    struct Slot {
        Done done;
        bool dropped = false;
        bool withdrawn = false;
    };
    struct Reply final : http::PendingReply {
        explicit Reply(std::shared_ptr<Slot> owner) : slot(std::move(owner)) {}
        ~Reply() override { slot->dropped = true; }
        void start(Done done) override { slot->done = std::move(done); }
        void withdraw() override { slot->withdrawn = true; }
        std::shared_ptr<Slot> slot;
    };
    std::deque<std::shared_ptr<Slot>> slots_;
};

// A request as the dispatcher saw it, kept beyond its stream.
struct Seen {
    std::string method, authority, target, peer, body;
    std::map<std::string, std::string> fields;
    http::Protocol protocol{};
    bool secure = false;
    friend bool operator==(const Seen&, const Seen&) = default;
};

class FakeDispatcher final : public http::Dispatcher {
public:
    http::Reply handle(const http::Request& request) override {
        Seen& copy = seen.emplace_back();
        copy.method = request.method_text;
        copy.authority = request.authority;
        copy.target = request.target;
        copy.peer = request.peer;
        copy.body = request.body;
        copy.protocol = request.protocol;
        copy.secure = request.secure;
        for (const http::Field& field : request.fields) copy.fields[std::string(field.name)] = field.value;
        return reply(request);
    }
    void finished(const http::Request& request, const http::Outcome& outcome) override {
        outcomes.push_back(outcome);
        finished_targets.emplace_back(request.target);
        finished_peers.emplace_back(request.peer);
    }
    std::string_view date() override { return "Fri, 20 Nov 2026 10:00:00 GMT"; }
    std::uint64_t takes_body(const http::Request& request) override {
        return request.target.starts_with("/take") ? most_body : 0;
    }

    std::uint64_t most_body = 100;
    std::function<http::Reply(const http::Request&)> reply;
    std::vector<Seen> seen;
    std::vector<http::Outcome> outcomes;
    std::vector<std::string> finished_targets, finished_peers;
};

class CountingObserver final : public http::SessionObserver {
public:
    void limit_hit(http::LimitHit limit) override { ++hits[limit]; }
    std::map<http::LimitHit, int> hits;
};

// A file whose page cache and versions the test controls.
class FakeFile final : public http::OpenFile {
public:
    using Read = std::variant<std::size_t, Failure>;
    explicit FakeFile(std::string bytes) : content(std::move(bytes)) {}

    std::uint64_t size() const override { return content.size(); }
    Read read_now(std::uint64_t offset, char* into, std::size_t size) const override {
        if (offset >= changed_from) return Failure::Changed;
        if (offset >= cached) return Failure::WouldBlock;
        return copy(offset, into, std::min<std::size_t>(size, cached - offset));
    }
    Read read_blocking(std::uint64_t offset, char* into, std::size_t size) const override {
        if (offset >= changed_from) return Failure::Changed;
        return copy(offset, into, size);
    }

    std::string content;
    std::size_t cached = ~std::size_t{0};        // bytes that read_now has
    std::size_t changed_from = ~std::size_t{0};  // reads from here on meet another version

private:
    Read copy(std::uint64_t offset, char* into, std::size_t size) const {
        const std::string_view slice = std::string_view(content).substr(offset, size);
        std::memcpy(into, slice.data(), slice.size());
        return slice.size();
    }
};

inline http::Body file_body(const std::shared_ptr<const FakeFile>& file) {
    return http::Body(http::Segment{.bytes = {}, .file = file, .offset = 0, .length = file->size()});
}

inline http::Answer answer_with(std::uint16_t status, http::Body body, http::Head::Fields fields = {}) {
    http::Answer answer;
    answer.status = status;
    answer.verdict = http::Verdict::Hit;
    answer.head = std::make_shared<const http::Head>(std::move(fields));
    answer.body = std::move(body);
    return answer;
}
inline http::Answer answer_with(std::uint16_t status, std::string body = {}, http::Head::Fields fields = {}) {
    return answer_with(status, body.empty() ? http::Body() : http::Body(make_blob(std::move(body))), std::move(fields));
}

// Bytes that differ from place to place, so that a piece in the wrong place shows.
inline std::string pattern(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>('a' + (i / 7 + i / 1'000) % 26);
    return bytes;
}

// One connection's session without its connection: feeds, lets produce, and offers again what was not taken, as net/ does.
class Conversation {
public:
    enum class Version { Http1, Http2 };

    Conversation(Version version, loop::Loop& loop, loop::WorkPool& pool, config::Config limits = {})
        : context{.loop = loop,
                  .pool = pool,
                  .dispatcher = dispatcher,
                  .observer = observer,
                  .http2 = *http2,
                  .config = std::make_shared<const config::Config>(std::move(limits)),
                  .secure = true,
                  .peer = "192.0.2.1",
                  .wake = [this] { woken = true; }},
          session(version == Version::Http1 ? http::make_http1_session(context) : http::make_http2_session(context)) {
        dispatcher.reply = [](const http::Request& request) {
            return answer_with(200, "you asked for " + std::string(request.target), {{"content-type", "text/plain"}});
        };
    }

    // Everything that the session says because of these bytes.
    std::string receive(std::string_view bytes) {
        waiting_input += bytes;
        return settle();
    }

    std::string settle() {
        std::string said;
        for (;;) {
            const std::string flush = flush_once();
            said += flush;
            const std::size_t taken = waiting_input.empty() ? 0 : session->feed(waiting_input);
            waiting_input.erase(0, taken);
            if (flush.empty() && taken == 0) break;
        }
        all += said;
        return said;
    }

    std::string flush_once() {
        Text output(room);
        session->produce(output);
        largest_flush = std::max(largest_flush, output.bytes.size());
        return std::move(output.bytes);
    }

    FakeDispatcher dispatcher;
    CountingObserver observer;
    std::shared_ptr<http::Http2Shared> http2 = http::make_http2_shared();
    http::SessionContext context;
    std::unique_ptr<http::Session> session;
    std::size_t room = 256 * 1024;
    std::size_t largest_flush = 0;
    std::string waiting_input;
    std::string all;
    bool woken = false;
};

}  // namespace selvage::testing
