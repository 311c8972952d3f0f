#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <variant>

#include "server/http/message.h"
#include "server/loop/operation.h"

namespace selvage::handlers {

// A reply that one operation makes, or that comes of another when this one leads to nothing.
class LaterOrElse final : public http::PendingReply {
public:
    using Done = std::move_only_function<void(http::Reply)>;
    using Begin = std::move_only_function<loop::Operation(Done)>;
    explicit LaterOrElse(Begin begin) : begin_(std::move(begin)) {}

    void start(std::move_only_function<void(http::Answer)> done) override {
        done_ = std::move(done);
        operation_ = begin_([this](http::Reply reply) { settle(std::move(reply)); });
    }

    void withdraw() override {
        if (next_) return next_->withdraw();
        operation_.withdraw([this] { finish({}); });
    }

private:
    void settle(http::Reply reply) {
        if (auto* answer = std::get_if<http::Answer>(&reply)) return finish(std::move(*answer));
        next_ = std::move(std::get<http::Pending>(reply));
        next_->start([this](http::Answer answer) { finish(std::move(answer)); });
    }

    void finish(http::Answer answer) {
        auto done = std::move(done_);
        done(std::move(answer));  // drops us
    }

    Begin begin_;
    std::move_only_function<void(http::Answer)> done_;
    loop::Operation operation_;
    http::Pending next_;
};

}  // namespace selvage::handlers
