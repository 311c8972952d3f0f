// The fields of compression dictionaries: RFC 9842.

#include "server/http/dictionary.h"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "server/http/content_coding.h"

using namespace selvage;
using namespace selvage::http;

namespace {

// RFC 9842 §2.2, the example.
constexpr std::string_view kExample = ":pZGm1Av0IEBKARczz7exkNYsZb8LzaMrV7J32a2fFG4=:";
constexpr std::string_view kHash = "a591a6d40bf420404a011733cfb7b190d62c65bf0bcda32b57b277d9ad9f146e";

std::string parsed(std::string_view value) {
    const auto hash = parse_available_dictionary(value);
    return hash ? hex(*hash) : "nothing";
}

Request request_with(std::vector<Field> fields, bool secure = true) {
    Request request;
    request.secure = secure;
    request.fields = FieldList(fields);
    return request;
}

bool lasting(std::vector<std::pair<std::string, std::string>> fields) {
    return is_lasting_and_public(Head::Fields(std::move(fields)));
}

}  // namespace

SCENARIO("a client names a dictionary by its hash") {  // RFC 9842 §2.2, RFC 8941 §3.3.5
    CHECK(parsed(kExample) == kHash);
    CHECK(parsed("  " + std::string(kExample) + " ") == kHash);
    THEN("without padding as well") { CHECK(parsed(":pZGm1Av0IEBKARczz7exkNYsZb8LzaMrV7J32a2fFG4:") == kHash); }
    THEN("anything else is as if it had named none") {
        CHECK(parsed("") == "nothing");
        CHECK(parsed(":") == "nothing");
        CHECK(parsed("::") == "nothing");
        CHECK(parsed("pZGm1Av0IEBKARczz7exkNYsZb8LzaMrV7J32a2fFG4=") == "nothing");
        CHECK(parsed(":pZGm1Av0IEBKARczz7exkNYsZb8LzaMrV7J32a2fFG4==:") == "nothing");
        CHECK(parsed(":pZGm1Av0IEBKARczz7exkNYsZb8LzaMrV7J32a2fFG:") == "nothing");  // 31 bytes
        CHECK(parsed(":pZGm1Av0IEBKARczz7exkNYsZb8LzaMrV7J32a2fFG4AA=:") == "nothing");
        CHECK(parsed(":pZGm1Av0IEBKARczz7exkNYsZb8LzaMrV7J32a2fF-4=:") == "nothing");  // base64url is another alphabet
        CHECK(parsed(std::string(kExample) + ", " + std::string(kExample)) == "nothing");
        CHECK(parsed(std::string(kExample) + ";a=1") == "nothing");
        CHECK(parsed("\"a591a6d40bf420404a011733cfb7b190d62c65bf0bcd\"") == "nothing");
    }
}

SCENARIO("a client says what we called the dictionary") {  // RFC 9842 §2.3
    CHECK(parse_dictionary_id("\"a591a6d4\"") == "a591a6d4");
    CHECK(parse_dictionary_id("\"\"") == "");
    CHECK(parse_dictionary_id(R"("a \"quoted\" \\ name")") == R"(a "quoted" \ name)");
    for (const std::string_view wrong : {"", "a591", "\"", "\"a", "\"a\"b\"", "\"\\a\"", "\"\\\"", "\"\xc3\xa4\"", "\"a\nb\""}) {
        CHECK_FALSE(parse_dictionary_id(wrong));
    }
    CHECK(parse_dictionary_id("\"" + std::string(1024, 'x') + "\""));
    CHECK_FALSE(parse_dictionary_id("\"" + std::string(1025, 'x') + "\""));
}

SCENARIO("a response is offered as a dictionary") {  // RFC 9842 §2.1
    CHECK(use_as_dictionary("/assets/index-*.js", "script", "0123456789abcdef") ==
          R"(match="/assets/index-*.js", match-dest=("script"), id="0123456789abcdef")");
    CHECK(use_as_dictionary("/assets/*.css", "style", "0123456789abcdef") ==
          R"(match="/assets/*.css", match-dest=("style"), id="0123456789abcdef")");
    THEN("of what kind it is says for what") {
        CHECK(destination_of(MediaClass::Script) == "script");
        CHECK(destination_of(MediaClass::Style) == "style");
        CHECK(destination_of(MediaClass::Data).empty());
    }
    THEN("for any use when it is neither script nor style") {
        CHECK(use_as_dictionary("/data-*.json", "", "01") == R"(match="/data-*.json", id="01")");
    }
    THEN("an escaped pattern stays escaped within the string") {
        CHECK(use_as_dictionary("/a\\+b\\{c-*.js", "", "") == R"(match="/a\\+b\\{c-*.js")");
        CHECK(use_as_dictionary("/a\"b-*.js", "", "") == R"(match="/a\"b-*.js")");
    }
    THEN("a name that the field cannot carry is not offered") {
        CHECK(use_as_dictionary("/\xc3\xa4-*.js", "script", "01").empty());
        CHECK(use_as_dictionary("/a\n-*.js", "script", "01").empty());
        CHECK(use_as_dictionary("", "script", "01").empty());
    }
}

SCENARIO("only who may read the answer gets one that depends on a dictionary") {  // RFC 9842 §9.3.3
    const auto allowed = [](std::vector<Field> fields, std::string_view allow_origin = "") {
        return allows_dictionary(request_with(std::move(fields)), allow_origin);
    };
    THEN("never without TLS") {
        CHECK_FALSE(allows_dictionary(request_with({}, false), ""));
        CHECK_FALSE(allows_dictionary(request_with({{"sec-fetch-site", "same-origin"}}, false), "*"));
    }
    THEN("a client that sends no such fields is trusted to have looked itself") {
        CHECK(allowed({}));
        CHECK(allowed({{"sec-fetch-site", "cross-site"}}));
        CHECK(allowed({{"sec-fetch-mode", "no-cors"}}));
    }
    THEN("the same origin may, in every mode") {
        for (const std::string_view mode : {"no-cors", "cors", "navigate", "same-origin"}) {
            CHECK(allowed({{"sec-fetch-site", "same-origin"}, {"sec-fetch-mode", mode}}));
        }
    }
    THEN("others may when they navigate") {
        CHECK(allowed({{"sec-fetch-site", "cross-site"}, {"sec-fetch-mode", "navigate"}}));
        CHECK(allowed({{"sec-fetch-site", "none"}, {"sec-fetch-mode", "navigate"}}));
        CHECK(allowed({{"sec-fetch-site", "cross-site"}, {"sec-fetch-mode", "same-origin"}}));
    }
    THEN("others may by CORS when the response names them, and they say who they are") {
        const std::vector<Field> cors = {
            {"sec-fetch-site", "cross-site"}, {"sec-fetch-mode", "cors"}, {"origin", "https://other.example"}};
        CHECK_FALSE(allowed(cors));
        CHECK(allowed(cors, "*"));
        CHECK(allowed(cors, "https://other.example"));
        CHECK_FALSE(allowed(cors, "https://another.example"));
        CHECK_FALSE(allowed({{"sec-fetch-site", "cross-site"}, {"sec-fetch-mode", "cors"}}, "*"));
    }
    THEN("others may in no other mode") {
        for (const std::string_view mode : {"no-cors", "websocket", "", "NAVIGATE", "what comes"}) {
            CHECK_FALSE(allowed({{"sec-fetch-site", "cross-site"}, {"sec-fetch-mode", mode}}, "*"));
            CHECK_FALSE(allowed({{"sec-fetch-site", "same-site"}, {"sec-fetch-mode", mode}}, "*"));
        }
    }
}

SCENARIO("only what is the same for everybody and fresh for a day has to do with dictionaries") {
    CHECK(lasting({{"cache-control", "public, max-age=31536000, immutable"}}));
    CHECK(lasting({{"cache-control", "public, max-age=86400"}, {"vary", "Accept-Encoding"}}));
    THEN("not what is fresh for less, or says nothing of it") {
        CHECK_FALSE(lasting({{"cache-control", "public, max-age=86399"}}));
        CHECK_FALSE(lasting({{"cache-control", "public, max-age=0, must-revalidate"}}));
        CHECK_FALSE(lasting({{"cache-control", "public, s-maxage=31536000"}}));
        CHECK_FALSE(lasting({}));
    }
    THEN("not what is somebody's, or must not be kept") {
        CHECK_FALSE(lasting({{"cache-control", "private, max-age=31536000"}}));
        CHECK_FALSE(lasting({{"cache-control", "no-store, max-age=31536000"}}));
        CHECK_FALSE(lasting({{"cache-control", "no-cache, max-age=31536000"}}));
        CHECK_FALSE(lasting({{"cache-control", "max-age=31536000"}, {"set-cookie", "who=you"}}));
        CHECK_FALSE(lasting({{"cache-control", "max-age=31536000"}, {"vary", "Accept-Encoding, Cookie"}}));
        CHECK_FALSE(lasting({{"cache-control", "max-age=31536000"}, {"vary", "*"}}));
    }
}

SCENARIO("dcz is acceptable when it is named") {  // static-delivery §5
    CHECK(parse_accept_encoding("gzip, deflate, br, zstd, dcb, dcz").dcz == 1000);
    CHECK(parse_accept_encoding("DCZ;q=0.5").dcz == 500);
    CHECK(parse_accept_encoding("dcz;q=0").dcz == 0);
    CHECK(parse_accept_encoding("*").dcz == 0);
    CHECK(parse_accept_encoding(std::nullopt).dcz == 0);
    CHECK(parse_accept_encoding("gzip, br, zstd").dcz == 0);
}

SCENARIO("a page is the same for everybody, however short it is fresh") {
    const auto same_for_all = [](std::vector<std::pair<std::string, std::string>> fields) {
        return is_public(Head::Fields(std::move(fields)));
    };
    CHECK(same_for_all({{"cache-control", "public, max-age=0, must-revalidate"}}));
    CHECK(same_for_all({{"cache-control", "public, s-maxage=60"}}));
    CHECK(same_for_all({}));
    CHECK_FALSE(same_for_all({{"cache-control", "private, max-age=60"}}));
    CHECK_FALSE(same_for_all({{"cache-control", "no-cache"}}));
    CHECK_FALSE(same_for_all({{"set-cookie", "who=you"}}));
    CHECK_FALSE(same_for_all({{"vary", "Cookie"}}));
}
