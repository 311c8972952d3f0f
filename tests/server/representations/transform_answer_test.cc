#include "server/representations/transform_answer.h"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "server/http/counters.h"

using namespace selvage;
using namespace selvage::representations;
namespace worker = transforms::worker;

namespace {

// A good answer to the second order of a job, and what can be wrong with it.
struct Answer {
    std::string check() const {
        const auto checked = check_answer(done, output.number(), 1, order, limits);
        if (!checked) CHECK(checked.error().code == "worker_crashed");
        return checked ? "good" : checked.error().detail;
    }
    bool good() const { return check() == "good"; }

    config::Image limits;
    transforms::Order order{.plan = {.width = 40}, .format = transforms::Format::Webp, .quality = 80};
    FileDescriptor output = *worker::sealed_memory("output", std::string(1000, 'x'));
    worker::Done done = [] {
        worker::Done good{};
        good.order = 1;
        good.ok = 1;
        good.output_size = 1000;
        good.format = transforms::Format::Webp;
        good.quality = 80;
        good.width = 40;
        good.height = 30;
        good.frames = 1;
        return good;
    }();
};

}  // namespace

SCENARIO("an answer of a worker is believed only as far as it can be true") {
    Answer answer;
    CHECK(answer.good());
    worker::Done& done = answer.done;
    WHEN("it is about another order") {
        done.order = 0;
        CHECK(answer.check() == "answered what was not asked");
    }
    WHEN("it is another format") {
        done.format = transforms::Format::Jpeg;
        CHECK(!answer.good());
        done.format = static_cast<transforms::Format>(250);
        CHECK(!answer.good());
    }
    WHEN("its numbers are none") {
        done.quality = 101;
        CHECK(!answer.good());
        done.quality = 80;
        done.effort = static_cast<transforms::ImageEffort>(7);
        CHECK(!answer.good());
        done.effort = transforms::ImageEffort::Fast;
        for (const float score : {std::nanf(""), std::numeric_limits<float>::infinity(), 1e30F, 101.0F}) {
            done.score = score;
            CHECK(!answer.good());
        }
        done.score = -12;  // a very bad picture
        CHECK(answer.good());
    }
    WHEN("it was enlarged less than was asked") {
        CHECK(limit_of(done) == http::LimitHit::kCount);
        done.enlarged = worker::Enlarged::UpTo;
        CHECK(answer.good());
        CHECK(limit_of(done) == http::LimitHit::ImageUpscale);
        done.enlarged = worker::Enlarged::UpToPixels;
        CHECK(limit_of(done) == http::LimitHit::ImageUpscalePixels);
        done.enlarged = static_cast<worker::Enlarged>(3);
        CHECK(!answer.good());
    }
    WHEN("its size is beyond the limits") {
        done.width = 0;
        CHECK(!answer.good());
        done.width = 8193;
        CHECK(!answer.good());
        done.width = done.height = 8000;
        CHECK(!answer.good());
        done.width = done.height = 0xFFFFFFFF;
        CHECK(!answer.good());
    }
    WHEN("its bytes are more than such an image can have, or none") {
        done.output_size = 40 * 30 * 4 + (1 << 20) + 1;
        CHECK(answer.check() == "made 1053377 bytes of 1 frames of 40x30");
        done.output_size = 0;
        CHECK(!answer.good());
    }
    WHEN("its output is shorter or longer than it says") {
        done.output_size = 999;
        CHECK(answer.check() == "gave an output that is of another size");
        done.output_size = 1001;
        CHECK(!answer.good());
    }
    WHEN("its output is missing, is no memory, or can still be cut") {
        answer.output.reset();
        CHECK(answer.check() == "gave an output that is not sealed");
        answer.output = FileDescriptor(::open("/dev/null", O_RDONLY));
        CHECK(!answer.good());
        answer.output = FileDescriptor(::memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING));
        REQUIRE(::ftruncate(answer.output.number(), 1000) == 0);
        CHECK(!answer.good());
    }
    WHEN("it is a refusal") {
        done = {};
        done.order = 1;
        done.error = ErrorKind::Unprocessable;
        std::strcpy(done.code, "undecodable");
        std::memset(done.detail, 'x', sizeof done.detail);  // without an end
        CHECK(answer.good());
        CHECK(refusal(done).kind == ErrorKind::Unprocessable);
        CHECK(refusal(done).code == "undecodable");
        CHECK(refusal(done).detail == std::string(sizeof done.detail, 'x'));
        THEN("it has a reason that is a worker's to give") {
            for (const auto kind :
                 {ErrorKind::Cancelled, ErrorKind::Overloaded, ErrorKind::Forbidden, static_cast<ErrorKind>(99)}) {
                done.error = kind;
                CHECK(!answer.good());
            }
        }
        THEN("codes of its own are not passed on") {
            std::strcpy(done.code, "<script>");
            CHECK(refusal(done).code.empty());
            CHECK(limit_of(done) == http::LimitHit::kCount);
        }
        THEN("each limit is counted by its name, of which clients know fewer") {
            const auto told = [&](const char* code) {
                std::strcpy(done.code, code);
                return fmt::format("{} {}", refusal(done).code, http::name_of(limit_of(done)));
            };
            CHECK(told("undecodable") == "undecodable none");
            CHECK(told("source_pixels") == "source_pixels image.source_pixels");
            CHECK(told("source_side") == "source_pixels image.source_side");
            CHECK(told("animation_pixels") == "source_pixels image.animation_pixels");
            CHECK(told("too_many_frames") == "too_many_frames image.frames");
            CHECK(told("output_pixels") == "too_large image.output_pixels");
            CHECK(told("output_side") == "too_large image.output_side");
            CHECK(told("animation_output_pixels") == "too_large image.animation_output_pixels");
            CHECK(told("format_side") == "too_large format_side");
            CHECK(told("too_many_elements") == "too_many_elements image.svg_elements");
            CHECK(told("source_too_large") == "source_too_large image.svg_bytes");
        }
    }
}

TEST_CASE("an image has no more bytes than without any compression, and never more than 256 MiB") {
    CHECK(largest_output(1, 1, 1) == (1 << 20) + 4);
    CHECK(largest_output(100, 50, 3) == (1 << 20) + 60'000);
    CHECK(largest_output(0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF) == 256 << 20);
}
