#include "server/handlers/image_course.h"

#include <catch2/catch.hpp>

using namespace selvage;
using namespace selvage::handlers;
using namespace std::chrono_literals;

using transforms::Format;
using transforms::ImageEffort;
using Send = Course::Send;

namespace {

// An AVIF of moderate size, for a browser, on a server with nothing to do.
const Situation kIdle{.format = Format::Avif,
                      .fast = 20ms,
                      .negotiated = true,
                      .improvable = true,
                      .background = true,
                      .idle_workers = 1,
                      .crowded = false};

Course course(const Situation& situation) { return choose_course(situation, {}); }

}  // namespace

SCENARIO("what a client gets who waits for an image") {  // image-urls §1.3 rule 2, §3; image-engine §3
    Situation now = kIdle;
    THEN("an idle server makes what was asked, with the usual effort") {
        CHECK(course(now) == Course{.send = Send::Asked, .effort = ImageEffort::Usual});
    }
    THEN("a busy one makes it fast") {
        now.idle_workers = 0;
        CHECK(course(now) == Course{.send = Send::Asked, .effort = ImageEffort::Fast});
        AND_THEN("but not what nobody will make better later") {
            now.improvable = false;
            CHECK(course(now).effort == ImageEffort::Usual);
        }
    }
    THEN("an AVIF that takes longer than 150 ms is WebP for now") {
        now.fast = 150ms;
        CHECK(course(now).send == Send::Asked);
        now.fast = 151ms;
        CHECK(course(now) == Course{.send = Send::Next, .effort = ImageEffort::Fast});
        AND_THEN("not when it was asked for by name") {
            now.negotiated = false;
            CHECK(course(now).send == Send::Asked);
        }
        AND_THEN("not when nothing is made in the background: it would never come") {
            now.background = now.improvable = false;
            CHECK(course(now).send == Send::Asked);
        }
        AND_THEN("a WebP as large is made at once: nothing takes its place") {
            now.format = Format::Webp;
            CHECK(course(now).send == Send::Asked);
        }
    }
    THEN("when too much waits, it is whatever takes the least time") {
        now.crowded = true;
        CHECK(course(now) == Course{.send = Send::Quickest, .effort = ImageEffort::Fast});
        AND_THEN("but a format that was asked for by name stays what it is") {
            now.negotiated = false;
            CHECK(course(now).send == Send::Asked);
        }
    }
}

SCENARIO("what is made better in the background") {
    config::Image settings;
    THEN("is what takes less than half of what a job may take") {
        CHECK(can_improve(2'500ms, settings));
        CHECK_FALSE(can_improve(2'501ms, settings));
    }
    THEN("is nothing when image.upgrade is off") {
        settings.upgrade = false;
        CHECK_FALSE(can_improve(1ms, settings));
    }
}
