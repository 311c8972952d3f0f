#include "server/http/http2/send_queue.h"

#include <catch2/catch.hpp>

#include <deque>
#include <vector>

using namespace selvage::http;
using namespace selvage::http::h2;

namespace {

struct Streams {
    Stream& add(std::uint32_t id, Priority priority) {
        Stream& stream = all.emplace_back();
        stream.id = id;
        stream.priority = priority;
        queue.add(stream);
        return stream;
    }
    // Whose turn it is, `count` times; each has no end.
    std::vector<std::uint32_t> turns(int count) {
        std::vector<std::uint32_t> ids;
        for (int i = 0; i < count; ++i) {
            ids.push_back(queue.front()->id);
            queue.rotate(*queue.front());
        }
        return ids;
    }
    std::deque<Stream> all;
    SendQueue queue;
};

using Ids = std::vector<std::uint32_t>;

}  // namespace

SCENARIO("the order of sending") {  // RFC 9218 §10
    Streams streams;
    GIVEN("streams of different urgency") {
        streams.add(1, {.urgency = 3, .incremental = false});
        streams.add(3, {.urgency = 1, .incremental = true});
        Stream& last = streams.add(5, {.urgency = 0, .incremental = false});
        THEN("the most urgent goes first, until it is done") {
            CHECK(streams.turns(3) == Ids{5, 5, 5});
            streams.queue.remove(last);
            CHECK(streams.turns(2) == Ids{3, 3});
        }
    }
    GIVEN("streams of one urgency that are wanted whole") {
        streams.add(7, {});
        Stream& first = streams.add(3, {});
        streams.add(5, {});
        THEN("they go in the order of their requests") {
            CHECK(streams.turns(2) == Ids{3, 3});
            streams.queue.remove(first);
            CHECK(streams.turns(2) == Ids{5, 5});
            streams.queue.add(first);  // its window opened again
            CHECK(streams.turns(1) == Ids{3});
        }
    }
    GIVEN("streams of one urgency that are useful in pieces") {
        streams.add(1, {.urgency = 3, .incremental = true});
        streams.add(3, {.urgency = 3, .incremental = true});
        streams.add(5, {.urgency = 3, .incremental = true});
        THEN("they take turns") { CHECK(streams.turns(7) == Ids{1, 3, 5, 1, 3, 5, 1}); }
        THEN("one that is wanted whole goes before them") {
            streams.add(7, {.urgency = 3, .incremental = false});
            CHECK(streams.turns(2) == Ids{7, 7});
        }
    }
    GIVEN("heads that are due") {
        Stream& one = streams.add(1, {});
        Stream& three = streams.add(3, {});
        for (Stream* stream : {&one, &three}) {
            streams.queue.remove(*stream);
            stream->head_due = true;
            streams.queue.add(*stream);
        }
        THEN("they are counted and found") {
            CHECK(streams.queue.heads_due() == 2);
            streams.queue.head_written(one);
            CHECK(streams.queue.next_head_due() == &three);
            streams.queue.remove(three);
            CHECK(streams.queue.next_head_due() == nullptr);
            CHECK(streams.queue.heads_due() == 0);
        }
    }
    THEN("what was never there can be removed, what is there can be added again") {
        Stream stream;
        streams.queue.remove(stream);
        streams.queue.add(stream);
        streams.queue.add(stream);
        streams.queue.remove(stream);
        CHECK(streams.queue.empty());
        CHECK(streams.queue.front() == nullptr);
    }
}
