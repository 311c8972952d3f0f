#pragma once

#include <chrono>
#include <cstdint>

#include "base/time.h"

namespace selvage::http::h2 {

// How a client takes what it asked for, where its flow control window is all that keeps the rest back. Looked at about once a
// second, so that writing costs nothing; time in which we could send is not the client's.
//
// Source: protocol-and-limits §2. What the window lets through and the socket does not take is judged by the connection.
class WindowWatch {
public:
    struct Patience {
        std::chrono::milliseconds still;  // without a byte
        std::chrono::milliseconds slow;   // the rate is asked for after each such time of waiting
        std::uint64_t bytes_per_second;   // 0: any
    };
    enum class Verdict : std::uint8_t { Fine, Still, Slow };

    // Begins anew.
    void reset() { fresh_ = true; }

    // `sent`: bytes so far. `blocked`: by the window alone, at this moment.
    Verdict look(SteadyTime now, std::uint64_t sent, bool blocked, const Patience& patience) {
        if (fresh_) *this = WindowWatch{};
        fresh_ = false;
        const SteadyTime::duration passed = now - looked_;
        // Nobody looked for so long: the socket was full, or our loop busy.
        const bool continues = blocked_ && passed <= kLongestGap;
        const std::uint64_t taken = sent - sent_;
        looked_ = now;
        sent_ = sent;
        blocked_ = blocked;
        if (!blocked) return Verdict::Fine;
        if (!continues || taken > 0) still_since_ = now;
        if (!continues) return Verdict::Fine;
        waited_ += passed;
        taken_ += taken;
        if (now - still_since_ >= patience.still) return Verdict::Still;
        return is_slow(patience) ? Verdict::Slow : Verdict::Fine;
    }

private:
    static constexpr auto kLongestGap = std::chrono::seconds(5);

    bool is_slow(const Patience& patience) {
        if (waited_ < patience.slow) return false;
        const std::chrono::duration<double> waited = waited_;
        const bool slow = static_cast<double>(taken_) < waited.count() * static_cast<double>(patience.bytes_per_second);
        waited_ = {};  // who was fast once may not be slow for ever
        taken_ = 0;
        return slow;
    }

    SteadyTime looked_{};
    SteadyTime still_since_{};
    SteadyTime::duration waited_{};  // in all, since the rate was last asked for
    std::uint64_t sent_ = 0;
    std::uint64_t taken_ = 0;  // during waited_
    bool blocked_ = false;
    bool fresh_ = false;
};

}  // namespace selvage::http::h2
