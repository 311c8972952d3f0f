#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace selvage {

// What the caller must do about a failure; never which library noticed it.
// server/http/error_response.h maps each kind to status, log level and public sentence.
enum class ErrorKind : std::uint8_t {
    BadRequest,     // the peer's mistake: 400
    Forbidden,      // 403
    NotFound,       // 404
    TooLarge,       // 413
    Unsupported,    // a source of a kind we do not handle: 415
    Unprocessable,  // a source that we handle, but not this one (broken, too many pixels): 422
    OriginFailed,   // 502
    TimedOut,       // our own deadline passed: 504
    Overloaded,     // a bounded queue is full: 503 with Retry-After
    RateLimited,    // this client asks for too much: 429 with Retry-After
    Cancelled,      // nobody waits for it any more; never sent
    Internal,       // 500
};

// A failure as a value.
//
// `code` is a stable public word ("invalid_param"), always a string literal; empty when the kind says it all.
// `param` and `allowed` name the offending URL parameter and its range, for clients; empty when there is none.
// `detail` is for our log; it may hold paths and library messages and is not sent to clients, except for BadRequest
// errors of URL parsers, which write it for the client.
struct Error {
    ErrorKind kind = ErrorKind::Internal;
    std::string_view code;
    std::string detail;
    std::string param;
    std::string allowed;

    friend bool operator==(const Error&, const Error&) = default;
};

template <typename T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(ErrorKind kind, std::string detail, std::string_view code = {}) {
    return std::unexpected(Error{.kind = kind, .code = code, .detail = std::move(detail), .param = {}, .allowed = {}});
}

}  // namespace selvage

// The value of `expression`, or return its error from the enclosing function.
// A statement expression: an extension that both supported compilers have, and the only way to use it inside an expression.
#define TRY(expression)                                                           \
    __extension__({                                                               \
        auto try_result_ = (expression);                                          \
        if (!try_result_) return std::unexpected(std::move(try_result_).error()); \
        *std::move(try_result_);                                                  \
    })
