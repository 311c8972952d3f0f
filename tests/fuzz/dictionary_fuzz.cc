// Fields of compression dictionaries, and bytes that claim to be coded with one: anything is a hash, a name, a content, or
// nothing.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/http/dictionary.h"
#include "transforms/encodings/dcz.h"

using namespace selvage;

namespace {

void check_fields(std::string_view text) {
    if (const auto hash = http::parse_available_dictionary(text)) {
        std::string canonical = base64url(as_text(*hash));
        std::ranges::replace(canonical, '-', '+');
        std::ranges::replace(canonical, '_', '/');
        if (http::parse_available_dictionary(":" + canonical + "=:") != hash) std::abort();
    }
    if (const auto id = http::parse_dictionary_id(text)) {
        const std::string offer = http::use_as_dictionary("/*", "", *id);
        if (offer.empty()) std::abort();
        if (!id->empty() && http::parse_dictionary_id(offer.substr(offer.find("id=") + 3)) != *id) std::abort();
    }
    http::use_as_dictionary(text, "script", "");
}

void check_coding(std::string_view text) {
    const std::size_t middle = text.size() / 2;
    const transforms::Dictionary dictionary{text.substr(0, middle), sha256(text.substr(0, middle))};
    const std::string_view rest = text.substr(middle);
    std::string claimed("\x5e\x2a\x4d\x18\x20\x00\x00\x00", 8);
    claimed.append(as_text(dictionary.hash)).append(rest);
    constexpr std::size_t kLimit = 1 << 20;
    if (const auto decoded = transforms::dcz_decode(claimed, dictionary, kLimit); decoded && decoded->size() > kLimit)
        std::abort();
    const auto coded = transforms::dcz_encode(rest, dictionary, transforms::kDczFast);
    if (!coded || transforms::dcz_decode(*coded, dictionary, rest.size()) != rest) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    if ((data[0] & 1) != 0) {
        check_fields(text);
    } else {
        check_coding(text);
    }
    return 0;
}
