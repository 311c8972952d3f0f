// A client that means no good, of one kind at a time: see the tables of attacks.
//
//   e2e_attacker NAME PORT [--from ADDRESS] [--seconds S] [--connections N] [--count N] [--seed N] [--path /FILE]
//
// Keeps N connections (1) busy for S seconds (2) and makes new ones for those that end, COUNT in all when that is said; "begun"
// on stdout says when the first has begun, and a line of JSON at the end how it went: connections that ended by how they did,
// those still open, what else was said, bytes, the shortest and the longest life in seconds. `e2e_attacker list` names the
// attacks.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <optional>
#include <vector>

#include "tests/e2e/attacker/line.h"

namespace attacker {
namespace {

struct Order {
    const Attack* attack = nullptr;
    Target target;
    double seconds = 2;
    std::size_t connections = 1;
    std::uint64_t count = ~std::uint64_t{0};
    std::uint64_t seed = 1;
};

const Attack* find(std::string_view name) {
    for (const auto table : {http2_attacks(), slow_attacks(), other_attacks(), malformed_requests()}) {
        for (const Attack& attack : table) {
            if (attack.name == name) return &attack;
        }
    }
    return nullptr;
}

class Attacker {
public:
    explicit Attacker(Order order) : order_(std::move(order)) {}

    void run() {
        const auto until =
            Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(order_.seconds));
        while (Clock::now() < until) {
            while (lines_.size() < order_.connections && begun_ < order_.count) add();
            if (lines_.empty()) break;
            wait(until);
            bury();
        }
        for (const auto& line : lines_) account(*line, "open");
        report();
    }

private:
    void add() {
        lines_.push_back(std::make_unique<Line>(*order_.attack, order_.target, context_.get(), order_.seed + begun_));
        if (begun_++ == 0) std::cout << "begun" << std::endl;
    }

    void wait(Clock::time_point until) {
        polls_.clear();
        for (const auto& line : lines_) {
            polls_.push_back({.fd = line->socket(), .events = line->events(), .revents = 0});
            until = std::min(until, line->due());
        }
        const auto left = std::chrono::duration_cast<Milliseconds>(until - Clock::now()).count();
        ::poll(polls_.data(), polls_.size(), static_cast<int>(std::clamp<long>(left + 1, 0, 1'000)));
        for (std::size_t i = 0; i < lines_.size(); ++i) {
            const int events = polls_[i].revents;
            if (events != 0 || lines_[i]->due() <= Clock::now())
                lines_[i]->advance((events & (POLLERR | POLLHUP | POLLRDHUP)) != 0);
        }
    }

    void bury() {
        std::erase_if(lines_, [&](const auto& line) {
            if (line->ended()) account(*line, line->end());
            return line->ended();
        });
    }

    void account(const Line& line, const std::string& end) {
        ++ends_[end];
        sent_ += line.sent();
        received_ += line.received();
        for (const auto& [word, count] : line.heard().words()) words_[word] += count;
        if (end == "refused") return;
        longest_ = std::max(longest_, line.seconds());
        if (end != "open") shortest_ = std::min(shortest_.value_or(line.seconds()), line.seconds());
    }

    void report() const {
        const auto object = [](const std::map<std::string, std::uint64_t>& counts) {
            std::string text = "{";
            for (const auto& [name, count] : counts)
                text += (text.size() > 1 ? ", \"" : "\"") + name + "\": " + std::to_string(count);
            return text + "}";
        };
        std::cout << "{\"attack\": \"" << order_.attack->name << "\", \"ends\": " << object(ends_)
                  << ", \"words\": " << object(words_) << ", \"connections\": " << begun_ << ", \"sent\": " << sent_
                  << ", \"received\": " << received_ << ", \"shortest\": ";
        if (shortest_)
            std::cout << *shortest_;
        else
            std::cout << "null";
        std::cout << ", \"longest\": " << longest_ << "}" << std::endl;
    }

    const Order order_;
    const Context context_ = make_context();
    std::vector<std::unique_ptr<Line>> lines_;
    std::vector<pollfd> polls_;
    std::map<std::string, std::uint64_t> ends_, words_;
    std::uint64_t begun_ = 0, sent_ = 0, received_ = 0;
    std::optional<double> shortest_;
    double longest_ = 0;
};

[[noreturn]] void usage(const std::string& why) {
    std::cerr << "attacker: " << why
              << "\nusage: e2e_attacker NAME PORT [--from ADDRESS] [--seconds S] [--connections N] [--count N] [--seed N] "
                 "[--path /FILE]\n";
    std::exit(2);
}

Order parse(int count, char** words) {
    if (count < 3) usage("NAME and PORT are needed");
    Order order{.attack = find(words[1]),
                .target = {.port = static_cast<std::uint16_t>(std::atoi(words[2])), .path = "/large.bin"}};
    if (!order.attack) usage("no attack has that name");
    for (int i = 3; i + 1 < count; i += 2) {
        const std::string_view option = words[i];
        const char* value = words[i + 1];
        if (option == "--from")
            order.target.from = ntohl(::inet_addr(value));
        else if (option == "--seconds")
            order.seconds = std::atof(value);
        else if (option == "--connections")
            order.connections = std::strtoul(value, nullptr, 10);
        else if (option == "--count")
            order.count = std::strtoul(value, nullptr, 10);
        else if (option == "--seed")
            order.seed = std::strtoul(value, nullptr, 10);
        else if (option == "--path")
            order.target.path = value;
        else
            usage("what is " + std::string(option));
    }
    return order;
}

}  // namespace
}  // namespace attacker

int main(int count, char** words) {
    using namespace attacker;
    if (count == 2 && std::string_view(words[1]) == "list") {
        for (const auto table : {http2_attacks(), slow_attacks(), other_attacks(), malformed_requests()}) {
            for (const Attack& attack : table) {
                const bool tls = attack.transport == Transport::Tls || attack.transport == Transport::TlsHttp2;
                std::cout << attack.name << (tls ? " https\n" : " http\n");
            }
        }
        return 0;
    }
    std::signal(SIGPIPE, SIG_IGN);
    rlimit descriptors{};
    getrlimit(RLIMIT_NOFILE, &descriptors);
    descriptors.rlim_cur = descriptors.rlim_max;
    setrlimit(RLIMIT_NOFILE, &descriptors);
    Attacker(parse(count, words)).run();
    return 0;
}
