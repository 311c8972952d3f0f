#include "server/releases/records.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace selvage;
using namespace selvage::releases;
using namespace std::chrono_literals;

namespace {

std::vector<Record> some() {
    return {{.path = "/assets/index-BkS2dFq1.js",
             .content = sha256("one"),
             .size = 12345,
             .modified = WallTime{1'700'000'000s},
             .since = WallTime{1'700'000'100s},
             .first = 3,
             .last = 7,
             .gone = WallTime{1'700'000'200s},
             .fingerprinted = true,
             .compressible = true,
             .offering = Offering::Lineage},
            {.path = "/with a space \xC3\xBC.css",
             .content = sha256("two"),
             .size = 0,
             .modified = WallTime{-1s},
             .since = WallTime{1s},
             .first = 1,
             .last = 1,
             .gone = {},
             .fingerprinted = false,
             .compressible = false,
             .offering = Offering::Place},
            {.path = "/docs/page.html", .content = sha256("four"), .size = 4, .offering = Offering::Page},
            {.path = "/.well-known/selvage/pages-0123456789abcdef.dict", .content = sha256("five"), .offering = Offering::Site},
            {.path = "/plain", .content = sha256("three")}};
}

std::string with_checksum(std::string text) { return text + fmt::format("end {:016x}\n", checksum64(text)); }

bool readable(const std::string& text) { return read_records("/srv/www", text).has_value(); }

}  // namespace

SCENARIO("what is written of releases is read again") {
    const auto read = read_records("/srv/www", write_records("/srv/www", some()));
    REQUIRE(read);
    CHECK(*read == some());
    CHECK(read_records("/", write_records("/", {}))->empty());
}

SCENARIO("records that are damaged, of another root or of another version are not used") {
    const std::string text = write_records("/srv/www", some());
    CHECK(readable(text));
    CHECK_FALSE(read_records("/srv/other", text));
    CHECK_FALSE(readable(""));
    CHECK_FALSE(readable("selvage releases 2\n" + text.substr(19)));
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::string damaged = text;
        damaged[i] = static_cast<char>(damaged[i] ^ 1);
        CHECK_FALSE(readable(damaged));
        CHECK_FALSE(readable(text.substr(0, i)));
    }
}

SCENARIO("a checksum does not make a line a record") {
    const std::string head = "selvage releases 1\nroot /srv/www\n", hash(64, 'a');
    CHECK(readable(with_checksum(head + hash + " 1 2 3 4 5 0 fc /a\n")));
    for (const std::string& line :
         {hash + " 1 2 3 4 5 0 fc a\n", hash + " 1 2 3 4 5 0 x /a\n", hash + " -1 2 3 4 5 0 - /a\n", hash + " 1 2 3 4 0 - /a\n",
          "A" + hash.substr(1) + " 1 2 3 4 5 0 - /a\n", hash + " 1 2 3 4 5 0  /a\n", hash + " 1 9999999999999 3 4 5 0 - /a\n",
          hash + " 1 2 3 4 5 0 - /a\x01\n", std::string("\n")}) {
        INFO(line);
        CHECK_FALSE(readable(with_checksum(head + line)));
    }
}
