#pragma once

#include <uv.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "server/http/message.h"
#include "server/http/session.h"
#include "server/loop/loop.h"
#include "server/loop/work_pool.h"

// What the fuzz targets of both session kinds share: a session without its connection, fed in chunks that the input chooses, with
// a dispatcher that answers now, later or never.
namespace selvage::fuzz {

inline void expect(bool holds, const char* claim) {
    if (holds) return;
    std::fprintf(stderr, "broken: %s\n", claim);
    std::abort();
}

// The first bytes of the input steer, the rest is what the peer sends.
class Steering {
public:
    Steering(const std::uint8_t* data, std::size_t size) : input_(reinterpret_cast<const char*>(data), size) {}

    std::uint8_t byte() {
        if (input_.empty()) return 0;
        const auto value = static_cast<std::uint8_t>(input_.front());
        input_.remove_prefix(1);
        return value;
    }
    std::string_view rest() const { return input_; }

private:
    std::string_view input_;
};

// Counts, and forgets: what is said is the peer's business.
class Counted final : public http::Output {
public:
    std::size_t room() const override { return size < kRoom ? kRoom - size : 0; }
    void append(std::string_view bytes) override { size += bytes.size(); }

    static constexpr std::size_t kRoom = 64 * 1024;
    std::size_t size = 0;
};

class Dispatcher final : public http::Dispatcher {
public:
    explicit Dispatcher(std::uint8_t seed) : seed_(seed) {}

    http::Reply handle(const http::Request& request) override {
        expect(!request.method_text.empty(), "a request that is handled has a method");
        for (const http::Field& field : request.fields) {
            expect(!field.name.empty(), "field names are not empty");
            expect(field.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos,
                   "field values are one line");
        }
        ++requests;
        // A mix that the input decides, and that repeats for the same input.
        switch ((seed_ + requests + request.target.size()) % 5) {
            case 0:
                return answer(204, 0);
            case 1:
                return answer(200, 300'000);
            case 2:
                return later(404);
            case 3:
                return later(200);
            default:
                return answer(200, 10);
        }
    }
    void finished(const http::Request&, const http::Outcome& outcome) override {
        ++reports;
        const bool answered = outcome.status >= 200 && outcome.status < 600;
        expect(answered || (outcome.status == http::kClientGone && !outcome.complete), "what is complete has a status");
    }
    std::string_view date() override { return "Fri, 20 Nov 2026 10:00:00 GMT"; }

    // Completes the oldest reply that still waits; false when there is none.
    bool complete_one() {
        while (!waiting_.empty()) {
            const std::shared_ptr<Slot> slot = waiting_.front();
            waiting_.erase(waiting_.begin());
            if (slot->dropped || !slot->done) continue;
            auto done = std::move(slot->done);
            done(answer(slot->status, 5'000));
            return true;
        }
        return false;
    }

    std::uint64_t requests = 0, reports = 0;

private:
    struct Slot {
        std::uint16_t status = 200;
        bool dropped = false;
        std::move_only_function<void(http::Answer)> done;
    };
    struct Waiting final : http::PendingReply {
        explicit Waiting(std::shared_ptr<Slot> owner) : slot(std::move(owner)) {}
        ~Waiting() override { slot->dropped = true; }
        void start(std::move_only_function<void(http::Answer)> done) override { slot->done = std::move(done); }
        std::shared_ptr<Slot> slot;
    };

    static http::Answer answer(std::uint16_t status, std::size_t size) {
        static const http::HeadPtr kHead =
            std::make_shared<const http::Head>(http::Head::Fields{{"content-type", "text/plain"}, {"etag", "\"x\""}});
        static const BlobPtr kBlob = make_blob(std::string(300'000, 'x'));
        http::Answer result;
        result.status = status;
        result.head = kHead;
        if (size > 0) result.body = http::Body(http::Segment{.bytes = kBlob, .file = {}, .offset = 0, .length = size});
        return result;
    }
    http::Reply later(std::uint16_t status) {
        waiting_.push_back(std::make_shared<Slot>());
        waiting_.back()->status = status;
        return std::make_unique<Waiting>(waiting_.back());
    }

    std::uint8_t seed_;
    std::vector<std::shared_ptr<Slot>> waiting_;
};

class Observer final : public http::SessionObserver {
public:
    void limit_hit(http::LimitHit) override {}
};

using MakeSession = std::unique_ptr<http::Session> (*)(http::SessionContext&);

// One connection's life. `opening` is fed before the input, for what a random input would hardly find.
inline void converse(MakeSession make, std::string_view opening, const std::uint8_t* data, std::size_t size) {
    static loop::Loop loop;
    static loop::WorkPool pool(1);
    static const config::ConfigPtr config = std::make_shared<const config::Config>();
    static Observer observer;
    static const std::shared_ptr<http::Http2Shared> http2 = http::make_http2_shared();

    Steering steering(data, size);
    const std::uint8_t flags = steering.byte();
    const std::size_t chunk = 1 + std::size_t{steering.byte()} * (flags & 1 ? 64 : 1);
    Dispatcher dispatcher(steering.byte());
    {
        http::SessionContext context{.loop = loop,
                                     .pool = pool,
                                     .dispatcher = dispatcher,
                                     .observer = observer,
                                     .http2 = *http2,
                                     .config = config,
                                     .secure = true,
                                     .peer = "192.0.2.1",
                                     .wake = [] {}};
        const std::unique_ptr<http::Session> session = make(context);
        std::string input(opening);
        input += steering.rest();

        std::string_view rest = input;
        const auto speak = [&] {
            // The bodies are bounded, so is what one answer may say; a session that never falls silent is a loop without an end.
            for (int flushes = 0;; ++flushes) {
                Counted output;
                session->produce(output);
                expect(output.size <= Counted::kRoom + 32 * 1024, "a flush is bounded by its room");
                if (output.size == 0) return;
                expect(flushes < 100'000, "a session falls silent");
            }
        };
        while (!rest.empty()) {
            const std::size_t offered = std::min(chunk, rest.size());
            const std::size_t taken = session->feed(rest.substr(0, offered));
            expect(taken <= offered, "a session takes what it is given");
            rest.remove_prefix(taken);
            speak();
            if (flags & 2) dispatcher.complete_one();
            if (taken == 0 && !dispatcher.complete_one() && !session->wants_output()) {
                expect(session->finished() || session->waiting() != http::Waiting::Nothing, "an idle session takes input");
                break;
            }
            speak();
            (void)session->waiting();
            (void)session->wants_output();
        }
        if (flags & 4) session->drain();
        if (flags & 8) session->time_out();
        speak();
        if (flags & 16) {
            while (dispatcher.complete_one()) speak();
        }
    }
    expect(dispatcher.reports >= dispatcher.requests, "every request is reported");
}

}  // namespace selvage::fuzz
