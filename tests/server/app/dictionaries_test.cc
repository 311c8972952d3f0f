// Compression dictionaries as a client sees them: RFC 9842, static-delivery §5.

#include <catch2/catch.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/exchange.h"
#include "server/http/counters.h"
#include "tests/server/app/rooms.h"
#include "tests/server/loop/turns.h"
#include "tests/server/representations/fake_history.h"
#include "transforms/encodings/dcz.h"

using namespace selvage;
using namespace selvage::server;
using selvage::testing::FakeHistory;
using selvage::testing::run_until;

namespace {

constexpr std::string_view kChromium = "gzip, deflate, br, zstd, dcb, dcz";
constexpr std::size_t kSize = 60'000;

std::string script(int release) {
    std::string text;
    for (int i = 0; text.size() < kSize; ++i) {
        text += "export function f" + std::to_string(i * 7919 % 10'007) + "(a,b){return a*" + std::to_string(i);
        text += i % 50 == 7 ? "-" + std::to_string(release * 31) + "}\n" : "+b}\n";
    }
    text.resize(kSize);
    return text;
}

catalogue::SourcePtr source(const std::string& path, const std::string& content, std::string_view type,
                            bool fingerprinted = true) {
    static std::uint64_t serials = 1'000;
    catalogue::Source made;
    made.path = path;
    made.serial = ++serials;
    made.content = sha256(content);
    made.etag = etag_text(made.content);
    made.size = content.size();
    made.last_modified = "Fri, 20 Nov 2026 09:00:00 GMT";
    made.media_type = type;
    made.compressible = true;
    made.fingerprinted = fingerprinted;
    made.bytes = make_blob(content);
    return std::make_shared<const catalogue::Source>(std::move(made));
}

class FakeCatalogue final : public catalogue::Catalogue {
public:
    std::optional<catalogue::Finding> find(std::string_view path, SteadyTime now) override {
        const auto place = files.find(std::string(path));
        if (place == files.end()) return catalogue::Finding{.entry = catalogue::Absent{}, .until = now + std::chrono::hours(1)};
        return catalogue::Finding{.entry = place->second, .until = now + std::chrono::hours(1)};
    }
    Result<catalogue::Entry> resolve(const std::string&) override { return catalogue::Absent{}; }
    Result<std::string> read(const catalogue::Source& of) override { return std::string(of.bytes->view()); }
    void forget(const std::string&) override {}
    std::shared_ptr<releases::History> history() const override { return past; }

    std::map<std::string, catalogue::Entry> files;
    std::shared_ptr<FakeHistory> past = std::make_shared<FakeHistory>();
};

struct House : selvage::testing::Rooms {
    explicit House(const config::Dictionaries& options = {}) {
        add("/app-11111111.js", before, "text/javascript; charset=utf-8");
        add("/app-22222222.js", after, "text/javascript; charset=utf-8");
        add("/plain.js", after, "text/javascript; charset=utf-8", false);
        add("/day/plain.js", before, "text/javascript; charset=utf-8", false);
        add("/mine/app-33333333.js", before, "text/javascript; charset=utf-8");
        add("/bypass/app-44444444.js", before, "text/javascript; charset=utf-8");
        add("/short/app-55555555.js", before, "text/javascript; charset=utf-8");
        add("/cors/app-66666666.js", after, "text/javascript; charset=utf-8");
        for (const auto& [path, entry] : files->files) files->past->offer(path, path.substr(0, path.rfind('/')) + "/app-*.js");
        files->past->keep(before);
        use(options);
    }

    void add(const std::string& path, const std::string& content, std::string_view type, bool fingerprinted = true) {
        files->files[path] = source(path, content, type, fingerprinted);
    }

    void use(const config::Dictionaries& options) {
        config::Config config;
        config.dictionaries = options;
        config::Site site;
        site.hosts = {"example.org"};
        const auto rule = [&site](std::string match) -> config::Rule& {
            site.rules.emplace_back().match = std::move(match);
            return site.rules.back();
        };
        rule("/day/**").browser_ttl = std::chrono::hours(24);
        rule("/mine/**").headers = {{"Cache-Control", "private, max-age=31536000"}};
        rule("/bypass/**").bypass = true;
        rule("/short/**").browser_ttl = std::chrono::hours(1);
        rule("/cors/**").headers = {{"Access-Control-Allow-Origin", "https://friend.example"}};
        config.sites = {site};
        deltas.set_limits(options);
        const auto open = [this](const config::Site&, const config::Config&) -> Result<std::shared_ptr<catalogue::Catalogue>> {
            return files;
        };
        snapshot = *make_snapshot(std::make_shared<const config::Config>(std::move(config)), ++generation, open);
        if (exchange) return exchange->set_snapshot(snapshot);
        exchange = std::make_unique<Exchange>(services, snapshot, nullptr);
    }

    http::Answer get(std::string_view target, std::vector<http::Field> fields = {}, bool secure = true,
                     http::Method method = http::Method::Get) {
        http::Request request;
        request.method = method;
        request.target = target;
        request.authority = "example.org";
        request.secure = secure;
        request.fields = http::FieldList(fields);
        http::Reply reply = exchange->handle(request);
        if (auto* answer = std::get_if<http::Answer>(&reply)) return std::move(*answer);
        std::optional<http::Answer> later;
        const http::Pending pending = std::move(std::get<http::Pending>(reply));
        pending->start([&](http::Answer answer) { later = std::move(answer); });
        run_until(loop, [&] { return later.has_value(); });
        return std::move(*later);
    }
    http::Answer get_with(const std::string& dictionary, std::string_view target, std::string_view accept = kChromium,
                          std::vector<http::Field> more = {}, bool secure = true, http::Method method = http::Method::Get) {
        const std::string name = named(dictionary);
        more.push_back({"accept-encoding", accept});
        more.push_back({"available-dictionary", name});
        return get(target, std::move(more), secure, method);
    }
    static std::string named(const std::string& dictionary) {
        std::string digits = base64url(as_text(sha256(dictionary)));
        for (char& c : digits) c = c == '-' ? '+' : c == '_' ? '/' : c;
        return ":" + digits + "=:";
    }
    void drain_background() {
        run_until(loop, [&] { return !background.busy() && background.size() == 0; });
    }
    std::uint64_t count(http::Counter counter) const { return counters.value(counter); }

    const std::string before = script(1), after = script(2);
    std::shared_ptr<FakeCatalogue> files = std::make_shared<FakeCatalogue>();
    SnapshotPtr snapshot;
    std::unique_ptr<Exchange> exchange;
    std::uint64_t generation = 0;
};

std::string field(const http::Answer& answer, std::string_view name) { return std::string(answer.head->field(name)); }
std::string offer(const http::Answer& answer) { return field(answer, "use-as-dictionary"); }
std::string vary(const http::Answer& answer) { return field(answer, "vary"); }
std::string coding(const http::Answer& answer) { return field(answer, "content-encoding"); }

std::string decoded(const http::Answer& answer, const std::string& dictionary) {
    const auto result = transforms::dcz_decode(answer.body.segment(0).bytes->view(), {dictionary, sha256(dictionary)}, 1 << 20);
    return result ? *result : result.error().detail;
}

}  // namespace

SCENARIO("a file of a release is offered as a dictionary for the next") {
    House house;
    const std::string expected =
        R"(match="/app-*.js", match-dest=("script"), id=")" + hex(sha256(house.before)).substr(0, 16) + "\"";
    CHECK(offer(house.get("/app-11111111.js")) == expected);
    CHECK(offer(house.get("/app-11111111.js", {{"accept-encoding", "br"}})) == expected);
    CHECK(house.count(http::Counter::DictionariesOffered) == 2);
    THEN("so is what a rule keeps for a day") { CHECK_FALSE(offer(house.get("/day/plain.js")).empty()); }
    THEN("every response says that it varies") {
        CHECK(vary(house.get("/app-11111111.js")) == "Accept-Encoding, Available-Dictionary");
        const auto not_modified =
            house.get("/app-11111111.js", {{"if-none-match", "\"" + etag_text(sha256(house.before)) + "\""}});
        CHECK(not_modified.status == 304);
        CHECK(vary(not_modified) == "Accept-Encoding, Available-Dictionary");
        AND_THEN("a 304 and a part offer nothing") {
            CHECK(offer(not_modified).empty());
            const auto part = house.get("/app-11111111.js", {{"range", "bytes=0-9"}});
            CHECK(part.status == 206);
            CHECK(offer(part).empty());
            CHECK(vary(part) == "Accept-Encoding, Available-Dictionary");
        }
    }
    THEN("not over plain HTTP") {
        const auto answer = house.get("/app-11111111.js", {}, false);
        CHECK(offer(answer).empty());
        CHECK(vary(answer) == "Accept-Encoding");
    }
    THEN("not what must be asked for again, is one person's, or is fresh for an hour") {
        for (const std::string_view path :
             {"/plain.js", "/mine/app-33333333.js", "/bypass/app-44444444.js", "/short/app-55555555.js"}) {
            const auto answer = house.get(path);
            INFO(path);
            CHECK(answer.status == 200);
            CHECK(offer(answer).empty());
            CHECK(vary(answer) == "Accept-Encoding");
        }
    }
    THEN("not to another origin that may not read it") {
        CHECK(offer(house.get("/app-11111111.js", {{"sec-fetch-site", "cross-site"}, {"sec-fetch-mode", "no-cors"}})).empty());
        const std::vector<http::Field> friendly = {
            {"sec-fetch-site", "cross-site"}, {"sec-fetch-mode", "cors"}, {"origin", "https://friend.example"}};
        CHECK(offer(house.get("/app-11111111.js", friendly)).empty());
        CHECK_FALSE(offer(house.get("/cors/app-66666666.js", friendly)).empty());
    }
    THEN("cookies and credentials of the request make no difference") {
        CHECK(offer(house.get("/app-11111111.js", {{"cookie", "who=me"}, {"authorization", "Basic eDp5"}})) == expected);
    }
    THEN("another offer is sent as soon as it is known") {
        house.files->past->offer("/app-11111111.js", "/*.js");
        CHECK(offer(house.get("/app-11111111.js")).starts_with("match=\"/*.js\""));
        house.files->past->offers.clear();
        house.files->past->offer("/other.js", "/other-*.js");
        const auto answer = house.get("/app-11111111.js");
        CHECK(offer(answer).empty());
        CHECK(vary(answer) == "Accept-Encoding, Available-Dictionary");
    }
    THEN("history is asked once, not with each request") {
        const int asked = house.files->past->offers_asked;
        for (int i = 0; i < 5; ++i) house.get("/app-11111111.js");
        CHECK(house.files->past->offers_asked == asked);
    }
}

SCENARIO("who has the release before gets the difference") {
    House house;
    const http::Answer first = house.get_with(house.before, "/app-22222222.js");
    CHECK(first.status == 200);
    CHECK(coding(first) == "dcz");
    CHECK(decoded(first, house.before) == house.after);
    CHECK(first.body.length() < kSize / 20);
    CHECK(first.verdict == http::Verdict::Miss);
    CHECK(vary(first) == "Accept-Encoding, Available-Dictionary");
    CHECK_FALSE(offer(first).empty());
    const std::string tag = etag_text(sha256(house.after)) + "-dcz." + hex(sha256(house.before)).substr(0, 8);
    CHECK(field(first, "etag") == "\"" + tag + ".fast\"");
    CHECK(house.count(http::Counter::DeltasMadeNow) == 1);
    CHECK(house.count(http::Counter::DeltaBytesSaved) > 0);

    house.drain_background();
    const http::Answer second = house.get_with(house.before, "/app-22222222.js");
    CHECK(coding(second) == "dcz");
    CHECK(field(second, "etag") == "\"" + tag + "\"");
    CHECK(second.verdict == http::Verdict::Hit);
    CHECK(decoded(second, house.before) == house.after);
    CHECK(house.count(http::Counter::DeltasFromStore) == 1);
    THEN("its tag is known again, in whatever coding it is asked for") {
        CHECK(house.get("/app-22222222.js", {{"if-none-match", "\"" + tag + "\""}}).status == 304);
        CHECK(house.get_with(house.before, "/app-22222222.js", kChromium, {{"if-none-match", "\"" + tag + "\""}}).status == 304);
        const std::string plain = "\"" + etag_text(sha256(house.after)) + "\"";
        CHECK(house.get_with(house.before, "/app-22222222.js", kChromium, {{"if-none-match", plain}}).status == 304);
    }
    THEN("a HEAD tells the same") {
        const auto head = house.get_with(house.before, "/app-22222222.js", kChromium, {}, true, http::Method::Head);
        CHECK(coding(head) == "dcz");
        CHECK(field(head, "etag") == "\"" + tag + "\"");
    }
    THEN("a part is always one of the file itself") {
        const auto part = house.get_with(house.before, "/app-22222222.js", kChromium, {{"range", "bytes=0-9"}});
        CHECK(part.status == 206);
        CHECK(coding(part).empty());
        CHECK(part.body.length() == 10);
    }
    THEN("who does not name dcz, or is not on TLS, or may not read it, does not") {
        CHECK(coding(house.get_with(house.before, "/app-22222222.js", "gzip, br, zstd")) != "dcz");
        CHECK(coding(house.get_with(house.before, "/app-22222222.js", "gzip, br, zstd, dcz;q=0")) != "dcz");
        CHECK(coding(house.get_with(house.before, "/app-22222222.js", "*")) != "dcz");
        CHECK(coding(house.get_with(house.before, "/app-22222222.js", kChromium, {}, false)) != "dcz");
        CHECK(coding(house.get_with(house.before, "/app-22222222.js", kChromium,
                                    {{"sec-fetch-site", "cross-site"}, {"sec-fetch-mode", "no-cors"}})) != "dcz");
    }
    THEN("a file that has nothing to do with dictionaries does not either") {
        CHECK(coding(house.get_with(house.before, "/plain.js")) != "dcz");
        CHECK(vary(house.get_with(house.before, "/plain.js")) == "Accept-Encoding");
    }
}

SCENARIO("a dictionary that the site does not know changes nothing") {
    House house;
    house.get("/app-22222222.js", {{"accept-encoding", "br"}});
    house.drain_background();
    const auto plain = house.get("/app-22222222.js", {{"accept-encoding", kChromium}});
    const int reads = house.files->past->reads;
    const auto answer = house.get_with("what nobody ever served", "/app-22222222.js");
    CHECK(coding(answer) == coding(plain));
    CHECK(field(answer, "etag") == field(plain, "etag"));
    CHECK(house.count(http::Counter::DictionariesUnknown) == 1);
    CHECK(house.files->past->reads == reads);
    THEN("so does a field that is none") {
        const auto wrong = house.get("/app-22222222.js", {{"accept-encoding", kChromium}, {"available-dictionary", "rubbish"}});
        CHECK(coding(wrong) == coding(plain));
    }
}

SCENARIO("a dictionary that is of no help is found out once") {
    House house;
    std::string unrelated(kSize, '\0');
    for (std::size_t i = 0; i < unrelated.size(); ++i) unrelated[i] = static_cast<char>(i * i * 31 >> 7);
    house.files->past->keep(unrelated);
    house.get("/app-22222222.js", {{"accept-encoding", "br"}});
    house.drain_background();
    CHECK(coding(house.get_with(unrelated, "/app-22222222.js")) != "dcz");
    house.drain_background();
    const std::uint64_t made = house.count(http::Counter::DeltasMade);
    const int reads = house.files->past->reads;
    for (int i = 0; i < 3; ++i) {
        const auto answer = house.get_with(unrelated, "/app-22222222.js");
        CHECK(answer.status == 200);
        CHECK(coding(answer) == "br");
    }
    CHECK(house.count(http::Counter::DeltasMade) == made);
    CHECK(house.files->past->reads == reads);
    CHECK(house.count(http::Counter::DeltasOfNoUse) >= 3);
}

SCENARIO("what is too large to make now is made for later") {
    House house({.on_the_fly = 10'000});
    CHECK(coding(house.get_with(house.before, "/app-22222222.js")) != "dcz");
    CHECK(house.count(http::Counter::DeltasNotReady) == 1);
    CHECK(house.counters.value(http::LimitHit::DictionaryOnTheFly) == 1);
    house.drain_background();
    CHECK(coding(house.get_with(house.before, "/app-22222222.js")) == "dcz");
    THEN("above the largest, never") {
        House small({.largest = 10'000});
        const auto answer = small.get_with(small.before, "/app-22222222.js");
        CHECK(coding(answer) != "dcz");
        CHECK(vary(answer) == "Accept-Encoding");
        CHECK(small.counters.value(http::LimitHit::DictionaryLargest) == 1);
    }
}

SCENARIO("a dictionary that cannot be read costs nobody his answer") {
    House house;
    house.files->past->unreadable = true;
    const auto answer = house.get_with(house.before, "/app-22222222.js");
    CHECK(answer.status == 200);
    CHECK(coding(answer) != "dcz");
}

SCENARIO("turned off there is no trace of them") {
    House house({.enabled = false});
    for (const std::string_view path : {"/app-11111111.js", "/app-22222222.js", "/day/plain.js"}) {
        const auto answer = house.get_with(house.before, path);
        CHECK(offer(answer).empty());
        CHECK(vary(answer) == "Accept-Encoding");
        CHECK(coding(answer) != "dcz");
    }
    THEN("and a reload turns them on") {
        house.use({});
        CHECK_FALSE(offer(house.get("/app-11111111.js")).empty());
        CHECK(coding(house.get_with(house.before, "/app-22222222.js")) == "dcz");
    }
}
