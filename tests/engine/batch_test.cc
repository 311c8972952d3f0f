#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "tests/engine/pictures.h"
#include "transforms/negotiation.h"

namespace selvage::transforms::test {
namespace {

Order order(std::string_view query, Format format) {
    const auto request = parse_canonical(query, {});
    REQUIRE(request);
    const Plan plan = (*request)->plan;
    return {.plan = plan, .format = format, .quality = effective_quality(plan, format, {})};
}

std::vector<Result<Output>> all_of(std::string_view source, const std::vector<Order>& orders, Original original = {}) {
    std::vector<Result<Output>> outputs;
    engine().render(source, original, orders, kLimits, [&](std::size_t index, Result<Output> output) {
        CHECK(index == outputs.size());  // each once, in turn
        outputs.push_back(std::move(output));
    });
    CHECK(outputs.size() == orders.size());
    return outputs;
}

double mean_distance(const Seen& left, const Seen& right) {
    double sum = 0;
    for (int y = 0; y < left.height(); ++y) {
        for (int x = 0; x < left.width(); ++x) sum += distance(left.at(x, y), right.at(x, y));
    }
    return sum / (left.width() * left.height());
}

}  // namespace

SCENARIO("orders on one source give what each would give alone") {
    const std::string source = saved(stored_for_orientation(quadrants(600, 400), 6), ".jpg[Q=95]");
    const std::vector<Order> orders{order("w=40", Format::Png),
                                    order("w=300&h=300&fit=cover", Format::Webp),
                                    order("w=300", Format::Png),
                                    order("w=90&rot=90", Format::Png),
                                    order("w=120&blur=3", Format::Png),
                                    order("w=120&blur=3", Format::Jpeg),
                                    order("w=80&h=80&fit=pad&bg=ff0000", Format::Jpeg),
                                    order("w=100&h=20&fit=stretch", Format::Png)};
    const auto together = all_of(source, orders);
    for (std::size_t index = 0; index < orders.size(); ++index) {
        INFO(index);
        const auto alone = engine().render(source, orders[index], kLimits);
        REQUIRE(alone);
        REQUIRE(together[index]);
        CHECK(together[index]->width == alone->width);
        CHECK(together[index]->height == alone->height);
        CHECK(together[index]->source_width == 600);
        CHECK(mean_distance(Seen(together[index]->bytes), Seen(alone->bytes)) < 3);
    }
}

SCENARIO("frames are shared, too") {
    const std::string source = saved(strip_of({solid(40, 40, kRed), solid(40, 40, kBlue)}, {100, 200}, 0), ".gif");
    const auto outputs = all_of(source, {order("w=20", Format::Webp), order("w=20", Format::Gif), order("w=20", Format::Jpeg)});
    for (const std::size_t index : {0U, 1U}) {
        REQUIRE(outputs[index]);
        CHECK(outputs[index]->frames == 2);
        CHECK(distance(Seen(outputs[index]->bytes).at(10, 10, 1), kBlue) < 30);
    }
    CHECK(outputs[2]->frames == 1);
    CHECK(distance(Seen(outputs[2]->bytes).at(10, 10), kRed) < 30);
}

SCENARIO("an order that cannot be carried out does not stop the others") {
    const auto outputs = all_of(saved(quadrants(200, 100), ".png"), {order("w=64", Format::Tiff), order("w=64", Format::Png),
                                                                     order("w=8192&h=8192&fit=pad", Format::Png)});
    CHECK(outputs[0].error().code == "format_disabled");
    CHECK(outputs[1]);
    CHECK(outputs[2].error().code == "output_pixels");
}

SCENARIO("what is wrong with the source is said of every order") {
    const std::string source = saved(quadrants(200, 160), ".jpg");
    for (const auto& broken : {source.substr(0, source.size() / 2), std::string("no image")}) {
        for (const auto& output : all_of(broken, {order("w=64", Format::Png), order("w=32", Format::Webp)})) {
            REQUIRE_FALSE(output);
            CHECK((output.error().kind == ErrorKind::Unprocessable || output.error().kind == ErrorKind::Unsupported));
        }
    }
}

SCENARIO("what stands in for an original gives the original's sizes") {  // image-engine §4
    const std::string mezzanine = saved(quadrants(512, 341), ".jpg[Q=92]");
    const Original original{.width = 3001, .height = 2001};  // 341.39 high at 512
    for (const auto& output : all_of(mezzanine, {order("w=256", Format::Png), order("w=400", Format::Webp)}, original)) {
        REQUIRE(output);
        CHECK(output->source_width == 3001);
        CHECK(output->source_height == 2001);
        CHECK(output->height == static_cast<std::uint32_t>(output->width * 2001.0 / 3001 + 0.5));
    }
    CHECK(all_of(mezzanine, {order("w=100&h=100&fit=cover", Format::Png)}, original)[0]->height == 100);
}

}  // namespace selvage::transforms::test
