#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "server/http/media_types.h"
#include "server/http/message.h"

// Compression dictionaries: a client keeps a response that was offered as a dictionary, and names it when it asks for what may be
// like it. Source: RFC 9842; RFC 8941 for the fields' grammar.
namespace selvage::http {

inline constexpr std::string_view kVaryByDictionary = "Accept-Encoding, Available-Dictionary";

// The content that the client has: a byte sequence of exactly 32 bytes, alone. Nothing for anything else. RFC 9842 §2.2.
std::optional<Sha256> parse_available_dictionary(std::string_view value);

// What we have called it: a string of at most 1024 characters. Nothing for anything else. It says nothing that the hash does not:
// it may be logged, and must not be believed. RFC 9842 §2.3.
std::optional<std::string> parse_dictionary_id(std::string_view value);

// Fetch's destination of what such a file may be a dictionary for: scripts for scripts, style sheets for style sheets, "" for
// any.
std::string_view destination_of(MediaClass media_class);

// The value of Use-As-Dictionary. RFC 9842 §2.1.
//
// `match`: a URL pattern. `destination`: of the requests that it serves, "" for any. `id`: at most 1024 characters. "" when one
// of them is not of visible ASCII: there is then no offer.
std::string use_as_dictionary(std::string_view match, std::string_view destination, std::string_view id);

// May the answer to this request be coded with a dictionary, or become one? RFC 9842 §9.3.3, and only over TLS (§8).
//
// `allow_origin`: Access-Control-Allow-Origin of the response, "" when it has none. Cookies and credentials of the request do not
// matter: what is asked about is the same bytes for whoever asks.
bool allows_dictionary(const Request& request, std::string_view allow_origin);

// Is the response with these fields the same for everybody, and fresh for a day or longer? Only then it may be a dictionary, or
// coded with one: no-store, no-cache and private forbid it, so do Set-Cookie and a Vary by what depends on the user.
// static-delivery §5.
bool is_lasting_and_public(const Head::Fields& fields);

// The same without a word on for how long: such a response may be coded with a dictionary.
bool is_public(const Head::Fields& fields);

}  // namespace selvage::http
