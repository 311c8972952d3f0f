#include "server/representations/stored_file.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstring>
#include <future>
#include <string>
#include <thread>
#include <utility>

using namespace selvage;
using representations::StoredFile;
using Failure = http::OpenFile::Failure;

namespace {

// A body in parts of 10 bytes, of which some are in memory.
class Parts final : public cache_store::StoredBody {
public:
    const cache_store::Object& object() const override { return object_; }
    std::uint64_t size() const override { return text.size(); }
    std::expected<std::size_t, Failure> read_now(std::uint64_t offset, char* into, std::size_t bytes) override {
        if (offset >= cold_from) return std::unexpected(Failure::WouldBlock);
        return read(offset, into, bytes);
    }
    std::expected<std::size_t, Failure> read(std::uint64_t offset, char* into, std::size_t bytes) override {
        if (within) within();
        if (offset >= broken_from) return std::unexpected(Failure::Broken);
        const std::size_t count = std::min<std::size_t>(bytes, 10 - offset % 10);
        std::memcpy(into, text.data() + offset, std::min(count, text.size() - offset));
        return std::min<std::size_t>(count, text.size() - offset);
    }

    std::string text = "0123456789abcdefghijABCDE";
    std::uint64_t cold_from = UINT64_MAX, broken_from = UINT64_MAX;
    std::function<void()> within;

private:
    cache_store::Object object_;
};

struct House {
    std::shared_ptr<Parts> parts = std::make_shared<Parts>();
    StoredFile file{parts};

    std::string now(std::uint64_t offset, std::size_t size) { return text(&StoredFile::read_now, offset, size); }
    std::string blocking(std::uint64_t offset, std::size_t size) { return text(&StoredFile::read_blocking, offset, size); }

private:
    using Read = std::variant<std::size_t, Failure> (StoredFile::*)(std::uint64_t, char*, std::size_t) const;
    std::string text(Read read, std::uint64_t offset, std::size_t size) {
        std::string into(size, '?');
        const auto outcome = (file.*read)(offset, into.data(), size);
        if (const auto* failure = std::get_if<Failure>(&outcome)) {
            return *failure == Failure::WouldBlock ? "would block" : "broken";
        }
        return into.substr(0, std::get<std::size_t>(outcome));
    }
};

}  // namespace

SCENARIO("a stored representation is read like a file") {
    House house;
    CHECK(house.file.size() == 25);
    CHECK(house.now(0, 25) == "0123456789abcdefghijABCDE");
    CHECK(house.now(8, 4) == "89ab");  // over the end of a part
    CHECK(house.blocking(19, 3) == "jAB");
    THEN("it is short at its end alone") {
        CHECK(house.now(20, 100) == "ABCDE");
        CHECK(house.now(25, 100).empty());
        CHECK(house.now(26, 100).empty());
    }
    WHEN("a part is not at hand") {
        house.parts->cold_from = 10;
        CHECK(house.now(0, 10) == "0123456789");
        CHECK(house.now(5, 10) == "would block");
        CHECK(house.blocking(5, 10) == "56789abcde");
    }
    WHEN("a part cannot be read, or is not what was written") {
        house.parts->broken_from = 20;
        CHECK(house.blocking(5, 10) == "56789abcde");
        CHECK(house.blocking(15, 10) == "broken");
    }
}

TEST_CASE("a loop does not wait for another's read of the same body") {
    House house;
    std::promise<void> reading, go_on;
    bool entered = false;
    house.parts->within = [&] {
        if (std::exchange(entered, true)) return;
        reading.set_value();
        go_on.get_future().get();
    };
    std::string elsewhere;
    std::thread other([&] { elsewhere = house.blocking(0, 5); });
    reading.get_future().get();
    CHECK(house.now(0, 5) == "would block");
    go_on.set_value();
    other.join();
    CHECK(elsewhere == "01234");
    CHECK(house.now(0, 5) == "01234");
}
