#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "server/http/message.h"
#include "transforms/encodings/encodings.h"

namespace selvage::http {

using transforms::Coding;

// Accept-Encoding, normalised: a weight per coding that we can speak, in thousandths; 0: refused. Never the raw field, so that it
// may be part of a key.
struct AcceptedCodings {
    std::array<std::uint16_t, 4> weights{};  // indexed by Coding
    std::uint16_t dcz = 0;                   // of what is coded with a dictionary; only when it was named itself

    std::uint16_t weight(Coding coding) const { return weights[static_cast<std::size_t>(coding)]; }
    bool accepts(Coding coding) const { return weight(coding) != 0; }
    friend bool operator==(const AcceptedCodings&, const AcceptedCodings&) = default;
};

// RFC 9110 §12.5.3. Absent (nothing) and empty: identity only. "*" stands for what is not listed; identity that neither it nor a
// "*" names is acceptable, after everything else. "x-gzip" is gzip. A malformed weight refuses.
AcceptedCodings parse_accept_encoding(std::optional<std::string_view> value);
AcceptedCodings accepted_codings(const Request& request);

// A representation that exists, with its size on the wire.
struct Available {
    Coding coding = Coding::Identity;
    std::uint64_t size = 0;
};

// The one to send: highest weight first (only a client that gives different weights ranks), then the smallest, then the server's
// order zstd, br, gzip, identity. Nothing when none is acceptable: see coding_to_make, and 406 only when that has nothing either.
std::optional<Coding> choose_coding(const AcceptedCodings& accepted, std::span<const Available> available);

// The coding to make for a client that waits (static-delivery §4: zstd, else br, else gzip; weights first). Identity when the
// client prefers or takes nothing else; nothing when it refuses identity and every coding: 406.
std::optional<Coding> coding_to_make(const AcceptedCodings& accepted);

// Is the coded form worth keeping beside the identity? At most 95 % of it, and at least 64 bytes less. static-delivery §3.
bool worth_keeping(std::uint64_t coded, std::uint64_t identity);

inline constexpr std::uint64_t kSmallestPrecomputed = 256;  // bytes; smaller contents are never coded
inline constexpr std::uint64_t kSmallestOnTheFly = 1024;    // bytes; smaller contents are not coded while a client waits

}  // namespace selvage::http
