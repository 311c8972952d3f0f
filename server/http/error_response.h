#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "base/log.h"
#include "base/result.h"
#include "server/http/message.h"

namespace selvage::http {

// What each kind of failure means outside: the one place where it becomes a status.
struct ErrorRow {
    ErrorKind kind;
    std::uint16_t status;
    LogLevel level;                    // of the line in our own log
    std::chrono::seconds retry_after;  // 0: no such field
    std::string_view sentence;         // what the client may know
};
const ErrorRow& row_of(ErrorKind kind);

// Facts about the request that the answer depends on.
struct ErrorFacts {
    bool fingerprinted = false;  // a missing file of a build: 404 is no-store (deploy races)
    bool bypass = false;         // a rule's bypass: no-store
};

// application/problem+json (RFC 9457): type, title, status, detail; code, param and allowed when the error has them. `detail` is
// the error's own for BadRequest, the table's sentence for every other kind. Cache-Control by static-delivery §1; nosniff;
// Retry-After. Total: a Cancelled error becomes 500, though nobody should send it. Sessions take the body off for HEAD.
Answer error_answer(const Error& error, ErrorFacts facts = {});

// The same for a status that no Error stands for: 400, 404, 406, 408, 412, 414, 417, 421, 431 … `more` are further fields;
// without any, the answer is ready made and costs no allocation.
Answer status_answer(std::uint16_t status, ErrorFacts facts = {}, Head::Fields more = {});

// 405 with Allow. `allow` is a list of methods: "GET, HEAD, OPTIONS".
Answer method_not_allowed(std::string_view allow);

// A redirect to `path` (decoded, normalised; encoded here) and the raw query ("" none). Location is relative to the root and
// never begins with "//": leading slashes are collapsed to one. 301 for the missing slash of a directory. Cached for 10 minutes
// only: a folder may become a file.
Answer redirect_answer(std::uint16_t status, std::string_view path, std::string_view query);

}  // namespace selvage::http
