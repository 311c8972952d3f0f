#include "server/net/ticket_keys.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <utility>

namespace selvage::net {

namespace {

template <std::size_t Size>
bool fill(std::array<unsigned char, Size>& bytes) {
    return RAND_priv_bytes(bytes.data(), Size) == 1;
}

}  // namespace

TicketKeys::~TicketKeys() { OPENSSL_cleanse(keys_.data(), keys_.size() * sizeof(Key)); }

std::optional<TicketKeys::Key> TicketKeys::current() {
    const std::lock_guard lock(mutex_);
    const SteadyTime now = clock_();
    rotate(now);
    if (keys_.empty() || now - keys_.back().born >= kNewAfter) return std::nullopt;
    return keys_.back();
}

std::optional<TicketKeys::Key> TicketKeys::find(std::span<const unsigned char, 16> name) {
    const std::lock_guard lock(mutex_);
    rotate(clock_());
    const auto found = std::ranges::find_if(keys_, [&](const Key& key) { return std::ranges::equal(key.name, name); });
    return found == keys_.end() ? std::nullopt : std::optional(*found);
}

// At a handshake, not by a timer: a server without any has nothing to rotate.
void TicketKeys::rotate(SteadyTime now) {
    const auto too_old = [now](const Key& key) { return now - key.born >= kAcceptedFor; };
    for (Key& key : keys_) {
        if (too_old(key)) OPENSSL_cleanse(&key.cipher, sizeof key.cipher + sizeof key.mac);
    }
    std::erase_if(keys_, too_old);
    if (!keys_.empty() && now - keys_.back().born < kNewAfter) return;
    Key key{.name = {}, .cipher = {}, .mac = {}, .born = now};
    if (fill(key.name) && fill(key.cipher) && fill(key.mac)) keys_.push_back(key);
}

}  // namespace selvage::net
