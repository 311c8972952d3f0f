// The fast coding of a large file, sent while it is being made.

#include "server/representations/streamed_coding.h"

#include <catch2/catch.hpp>

#include <memory>
#include <random>
#include <string>
#include <utility>

#include "tests/server/http_sessions/conversation.h"

using namespace selvage;
using namespace selvage::representations;
using http::GrowingBody;
using http::GrowingBodyPtr;
using selvage::testing::FakeFile;
using transforms::Coding;

namespace {

std::string lines(std::size_t size) {
    std::mt19937 random(9);
    std::string text;
    while (text.size() < size) text.append("line ").append(std::to_string(random() % 100'000)).append("\n");
    text.resize(size);
    return text;
}

std::string noise(std::size_t size) {
    std::mt19937 random(10);
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
}

// A file, the making of its coding, and somebody who may read it.
struct Making {
    explicit Making(std::string content, Coding as = Coding::Gzip)
        : file(std::make_shared<FakeFile>(std::move(content))), coding(as) {
        source.path = "/large.json";
        source.size = file->content.size();
        source.content = sha256(file->content);
        source.file = file;
    }

    Result<BlobPtr> run() {
        StreamedCoding making(
            source, coding, [this] { return wanted(++asked); },
            [this](GrowingBodyPtr announced) {
                growing = std::move(announced);
                made_when_announced = growing->look(0).size;
                if (reads) reader = GrowingBody::reader_of(growing);
                if (leaves) reader.reset();
            });
        return making.run();
    }
    std::string read() const {
        std::string all;
        for (std::size_t i = 0; const BlobPtr piece = growing->look(i).piece; ++i) all += piece->view();
        return all;
    }

    std::shared_ptr<FakeFile> file;
    Coding coding;
    catalogue::Source source;
    std::function<bool(int)> wanted = [](int) { return true; };
    bool reads = true, leaves = false;
    int asked = 0;
    GrowingBodyPtr growing, reader;
    std::uint64_t made_when_announced = 0;
};

}  // namespace

TEST_CASE("who reads a coding while it is made gets what is kept of it, and that is the file") {
    for (const Coding coding : {Coding::Gzip, Coding::Brotli, Coding::Zstd}) {
        Making making(lines(3'000'000), coding);
        const auto made = making.run();
        REQUIRE(made);
        REQUIRE(making.growing);
        CHECK(making.growing->look(0).state == GrowingBody::State::Complete);
        CHECK(making.read() == (*made)->view());
        CHECK(transforms::row_of(coding).decode((*made)->view(), 10'000'000) == making.file->content);
        THEN("it was told of it when hardly anything had been made") {
            CHECK(making.made_when_announced > 0);
            CHECK(making.made_when_announced < (*made)->size() / 8);
        }
    }
}

TEST_CASE("a coding that saves nothing is not announced") {
    Making making(noise(1'000'000));
    const auto made = making.run();
    REQUIRE(made);
    CHECK_FALSE(making.growing);
    CHECK(transforms::row_of(Coding::Gzip).decode((*made)->view(), 2'000'000) == making.file->content);
}

TEST_CASE("a coding that begins to save later is announced then") {
    Making making(noise(200'000) + lines(3'000'000));
    const auto made = making.run();
    REQUIRE(made);
    REQUIRE(making.growing);
    CHECK(making.read() == (*made)->view());
}

SCENARIO("a file that changes while its coding is made and sent") {
    Making making(lines(2'000'000));
    const auto is_cut_off = [&] {
        const auto made = making.run();
        REQUIRE_FALSE(made);
        CHECK(made.error().kind == ErrorKind::NotFound);
        REQUIRE(making.growing);
        CHECK(making.growing->look(0).state == GrowingBody::State::Failed);
        CHECK_FALSE(transforms::row_of(Coding::Gzip).decode(making.read(), 10'000'000));  // nobody can take it for whole
    };
    WHEN("it is seen to be another version") {
        making.file->changed_from = 1'500'000;
        is_cut_off();
    }
    WHEN("it has become shorter") {
        making.file->content.resize(1'500'000);
        is_cut_off();
    }
    WHEN("only its bytes tell, at the end") {
        making.file->content[1'999'000] ^= 1;
        is_cut_off();
    }
}

SCENARIO("a coding that nobody wants any more") {
    Making making(lines(4'000'000));
    WHEN("nobody has been told of it yet") {
        making.wanted = [](int) { return false; };
        const auto made = making.run();
        REQUIRE_FALSE(made);
        CHECK(made.error().kind == ErrorKind::Cancelled);
        CHECK_FALSE(making.growing);
    }
    WHEN("who read it has gone") {
        making.leaves = true;
        making.wanted = [&](int) { return !making.growing; };
        const auto made = making.run();
        REQUIRE_FALSE(made);
        CHECK(made.error().kind == ErrorKind::Cancelled);
        THEN("nobody can begin to read what will not be finished") { CHECK_FALSE(GrowingBody::reader_of(making.growing)); }
    }
    WHEN("most of it is done") {
        making.wanted = [](int asked) { return asked < 25; };  // of 31 steps
        THEN("it is finished all the same") { CHECK(making.run()); }
    }
    WHEN("it takes too long, whoever reads it") {
        making.wanted = [](int asked) { return asked < 10; };
        const auto made = making.run();
        REQUIRE_FALSE(made);
        CHECK(making.growing->look(0).state == GrowingBody::State::Failed);
    }
    WHEN("somebody comes just as it is given up") {
        making.wanted = [](int asked) { return asked != 10; };
        THEN("it goes on") { CHECK(making.run()); }
    }
}
