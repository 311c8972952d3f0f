#include "server/admin/admin.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <string>

using namespace selvage;
using namespace selvage::admin;

namespace {

class FakeOperations final : public Operations {
public:
    std::string metrics() override { return "selvage_up 1\n"; }
    bool ready() override { return is_ready; }
    void reload(std::function<void(ReloadOutcome)> done) override { reloads.push_back(std::move(done)); }

    void upgrade(std::function<void(UpgradeOutcome)> done) override { upgrades.push_back(std::move(done)); }

    void purge(PurgeRequest request, std::string by, std::function<void(Result<PurgeOutcome>)> done) override {
        purges.push_back({std::move(request), std::move(by), std::move(done)});
    }

    struct Asked {
        PurgeRequest request;
        std::string by;
        std::function<void(Result<PurgeOutcome>)> done;
    };
    std::vector<Asked> purges;
    bool is_ready = false;
    std::vector<std::function<void(ReloadOutcome)>> reloads;
    std::vector<std::function<void(UpgradeOutcome)>> upgrades;
};

struct Scene {
    http::Reply ask(std::string_view method, std::string_view target, std::string_view body = {}) {
        http::Request request;
        request.method_text = method;
        request.method = method == "GET"    ? http::Method::Get
                         : method == "HEAD" ? http::Method::Head
                         : method == "POST" ? http::Method::Post
                                            : http::Method::Other;
        request.target = target;
        request.body = body;
        request.peer = "192.0.2.7";
        return dispatcher.handle(request);
    }
    http::Answer answer(std::string_view method, std::string_view target) { return std::get<http::Answer>(ask(method, target)); }
    FakeOperations operations;
    AdminDispatcher dispatcher{operations};
};

std::string text_of(const http::Answer& answer) {
    return answer.body.length() == 0 ? "" : std::string(answer.body.segment(0).bytes->view());
}

}  // namespace

TEST_CASE("the admin listener's pages") {
    Scene scene;
    CHECK(scene.answer("GET", "/healthz").status == 200);
    CHECK(scene.answer("HEAD", "/healthz").status == 200);
    CHECK(scene.answer("GET", "/readyz").status == 503);
    scene.operations.is_ready = true;
    CHECK(scene.answer("GET", "/readyz?verbose").status == 200);
    const http::Answer metrics = scene.answer("GET", "/metrics");
    CHECK(text_of(metrics) == "selvage_up 1\n");
    CHECK(metrics.head->field("content-type") == "text/plain; version=0.0.4; charset=utf-8");
    CHECK(metrics.head->field("cache-control") == "no-store");
    CHECK(scene.answer("GET", "/").status == 404);
    CHECK(scene.answer("GET", "/metrics/").status == 404);
}

TEST_CASE("an admin page asked with the wrong method says which is right") {
    Scene scene;
    const http::Answer reload = scene.answer("GET", "/reload");  // a link or a crawler must not reload
    CHECK(reload.status == 405);
    CHECK(reload.head->field("allow") == "POST");
    CHECK(scene.answer("HEAD", "/reload").status == 405);
    CHECK(scene.answer("POST", "/metrics").head->field("allow") == "GET, HEAD");
    CHECK(scene.operations.reloads.empty());
}

SCENARIO("POST /reload") {
    Scene scene;
    auto pending = std::get<http::Pending>(scene.ask("POST", "/reload"));
    int answers = 0;
    http::Answer answer;
    pending->start([&](http::Answer given) {
        ++answers;
        answer = std::move(given);
    });
    REQUIRE(scene.operations.reloads.size() == 1);
    CHECK(answers == 0);

    WHEN("it succeeds") {
        scene.operations.reloads[0]({.mistakes = {}, .needs_restart = {"server.workers"}, .generation = 2});
        CHECK(answer.status == 200);
        CHECK(nlohmann::json::parse(text_of(answer)) == nlohmann::json{{"reloaded", true},
                                                                       {"generation", 2},
                                                                       {"mistakes", nlohmann::json::array()},
                                                                       {"needs_restart", {"server.workers"}}});
    }
    WHEN("the file has mistakes") {
        scene.operations.reloads[0]({.mistakes = {"a.toml:1:2: \"quotes\""}, .needs_restart = {}, .generation = 1});
        CHECK(answer.status == 422);
        CHECK(nlohmann::json::parse(text_of(answer))["mistakes"][0] == "a.toml:1:2: \"quotes\"");
    }
    WHEN("the client leaves first") {
        pending.reset();
        scene.operations.reloads[0]({});
        THEN("the reload goes on, the answer does not") { CHECK(answers == 0); }
    }
}

SCENARIO("POST /upgrade") {
    using enum UpgradeOutcome::Verdict;
    Scene scene;
    CHECK(scene.answer("GET", "/upgrade").status == 405);
    auto pending = std::get<http::Pending>(scene.ask("POST", "/upgrade"));
    http::Answer answer;
    pending->start([&](http::Answer given) { answer = std::move(given); });
    REQUIRE(scene.operations.upgrades.size() == 1);
    const auto said = [&] { return nlohmann::json::parse(text_of(answer)); };

    WHEN("the successor serves") {
        scene.operations.upgrades[0]({.verdict = Done, .process = 17, .reason = {}});
        CHECK(answer.status == 200);
        CHECK(said() == nlohmann::json{{"upgraded", true}, {"process", 17}});
    }
    WHEN("it does not start") {
        scene.operations.upgrades[0]({.verdict = Failed, .process = 0, .reason = "a.toml:1:2: \"quotes\""});
        CHECK(answer.status == 422);
        CHECK(said() == nlohmann::json{{"upgraded", false}, {"reason", "a.toml:1:2: \"quotes\""}});
    }
    WHEN("one is under way") {
        scene.operations.upgrades[0]({.verdict = Refused, .process = 0, .reason = "an upgrade is under way"});
        CHECK(answer.status == 409);
    }
}

SCENARIO("POST /purge") {
    Scene scene;
    CHECK(scene.answer("GET", "/purge").status == 405);
    const auto said = [](const http::Answer& answer) { return nlohmann::json::parse(text_of(answer)); };
    const auto refused = [&](std::string_view target, std::string_view body) {
        const http::Answer answer = std::get<http::Answer>(scene.ask("POST", target, body));
        CHECK(answer.status == 400);
        CHECK(said(answer)["purged"] == false);
        return said(answer)["reason"].get<std::string>();
    };

    WHEN("the body says what") {
        auto pending =
            std::get<http::Pending>(scene.ask("POST", "/purge", R"({"urls":["/a","/b"],"tags":["news"],"soft":true})"));
        http::Answer answer;
        int answers = 0;
        pending->start([&](http::Answer given) {
            ++answers;
            answer = std::move(given);
        });
        REQUIRE(scene.operations.purges.size() == 1);
        const auto& asked = scene.operations.purges[0];
        CHECK(asked.request == PurgeRequest{.urls = {"/a", "/b"}, .tags = {"news"}, .soft = true});
        CHECK(asked.by == "192.0.2.7");
        THEN("the answer waits until it is durable") {
            CHECK(answers == 0);
            asked.done(PurgeOutcome{.sequence = 17, .tags = 5});
            CHECK(answer.status == 200);
            CHECK(said(answer) == nlohmann::json{{"purged", true}, {"sequence", 17}, {"tags", 5}});
        }
        THEN("what it cannot be is said") {
            asked.done(fail(ErrorKind::Unprocessable, "\"x\" is no path"));
            CHECK(answer.status == 422);
            CHECK(said(answer)["reason"] == "\"x\" is no path");
        }
        THEN("what is not durable is no success") {
            asked.done(fail(ErrorKind::Internal, "in force until a restart", "not_durable"));
            CHECK(answer.status == 500);
        }
        THEN("it goes on when the client leaves") {
            pending.reset();
            asked.done(PurgeOutcome{});
            CHECK(answers == 0);
        }
    }
    WHEN("the query says what") {
        auto pending =
            std::get<http::Pending>(scene.ask("POST", "/purge?url=/a%3Fw=1&url=/b&prefix=/c/&glob=/*.png&tag=t&all=0&soft=1"));
        pending->start([](const http::Answer&) {});
        CHECK(scene.operations.purges.at(0).request ==
              PurgeRequest{.urls = {"/a?w=1", "/b"}, .prefixes = {"/c/"}, .tags = {"t"}, .globs = {"/*.png"}, .soft = true});
    }
    WHEN("it is wrong: the word is named") {
        using Catch::Contains;
        CHECK_THAT(refused("/purge", ""), Contains("nothing to purge"));
        CHECK_THAT(refused("/purge", "{}"), Contains("nothing to purge"));
        CHECK_THAT(refused("/purge", R"({"soft":true,"urls":[]})"), Contains("nothing to purge"));
        CHECK_THAT(refused("/purge", "[1]"), Contains("not a JSON object"));
        CHECK_THAT(refused("/purge", R"({"urls":["/a")"), Contains("not a JSON object"));
        CHECK_THAT(refused("/purge", R"({"url":["/a"]})"), Contains("\"url\""));
        CHECK_THAT(refused("/purge", R"({"urls":"/a"})"), Contains("\"urls\" is not a list"));
        CHECK_THAT(refused("/purge", R"({"globs":["/a",7]})"), Contains("\"globs\" has an element"));
        CHECK_THAT(refused("/purge", R"({"tags":[""]})"), Contains("\"tags\" has an empty"));
        CHECK_THAT(refused("/purge", R"({"all":1})"), Contains("\"all\""));
        CHECK_THAT(refused("/purge?urls=/a", ""), Contains("\"urls\""));
        CHECK_THAT(refused("/purge?url=", ""), Contains("\"url\" is empty"));
        CHECK_THAT(refused("/purge?url=%zz", ""), Contains("\"url\""));
        CHECK_THAT(refused("/purge?all=yes", ""), Contains("\"all\""));
        CHECK(refused("/purge?%ff=1", "").starts_with("unknown parameter"));
        CHECK(scene.operations.purges.empty());
    }
}

TEST_CASE("only a purge takes a body") {
    Scene scene;
    const auto takes = [&](http::Method method, std::string_view target) {
        http::Request request;
        request.method = method;
        request.target = target;
        return scene.dispatcher.takes_body(request);
    };
    CHECK(takes(http::Method::Post, "/purge") == 64 * 1024);
    CHECK(takes(http::Method::Post, "/purge?soft=1") == 64 * 1024);
    CHECK(takes(http::Method::Get, "/purge") == 0);
    CHECK(takes(http::Method::Post, "/reload") == 0);
}

TEST_CASE("what the command asks is what the server understands, and the log has a line of it") {
    const PurgeRequest request{.urls = {"https://a.test/x?y=1"}, .globs = {"/*.\"png"}, .all = true};
    CHECK(parse_purge_request("", to_json(request)) == request);
    CHECK(describe(request) == to_json(request));
    PurgeRequest long_one;
    long_one.urls.assign(1'000, "/some/long/path");
    CHECK(describe(long_one).size() < 450);
}
