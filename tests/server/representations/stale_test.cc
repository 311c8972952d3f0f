#include "server/representations/stale.h"

#include <catch2/catch.hpp>

using namespace selvage;
using namespace selvage::representations;
using namespace std::chrono_literals;

SCENARIO("what was made of a file before it changed stands in for a while") {  // RFC 5861 §3, §4
    const SteadyTime changed{5h};
    CHECK(may_stand_in(changed, 60s, changed));
    CHECK(may_stand_in(changed, 60s, changed + 60s));
    CHECK(!may_stand_in(changed, 60s, changed + 60s + 1ms));
    THEN("a window of nothing is never open") { CHECK(!may_stand_in(changed, 0s, changed)); }
}

SCENARIO("which failures a picture of before may cover") {  // RFC 5861 §4
    const auto excused = [](ErrorKind kind, std::string_view code = {}) {
        return excuses_stale(Error{.kind = kind, .code = code, .detail = {}, .param = {}, .allowed = {}});
    };
    THEN("those of the server") {
        CHECK(excused(ErrorKind::Internal, "worker_crashed"));
        CHECK(excused(ErrorKind::OriginFailed));
        CHECK(excused(ErrorKind::Overloaded, "overloaded"));
        CHECK(excused(ErrorKind::TimedOut, "processing_timeout"));
    }
    THEN("those of a file that was spoilt") {
        CHECK(excused(ErrorKind::Unprocessable, "undecodable"));
        CHECK(excused(ErrorKind::Unprocessable, "poisoned_source"));
        CHECK(excused(ErrorKind::Unsupported, "unsupported_source"));
    }
    THEN("not those of who asks for too much, or for what is not there") {
        CHECK(!excused(ErrorKind::BadRequest, "invalid_param"));
        CHECK(!excused(ErrorKind::TooLarge, "source_too_large"));
        CHECK(!excused(ErrorKind::Unprocessable, "source_pixels"));
        CHECK(!excused(ErrorKind::Unprocessable, "too_large"));
        CHECK(!excused(ErrorKind::Unprocessable, "empty_region"));
        CHECK(!excused(ErrorKind::NotFound));
        CHECK(!excused(ErrorKind::Forbidden));
        CHECK(!excused(ErrorKind::Cancelled));
    }
}
