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

    bool is_ready = false;
    std::vector<std::function<void(ReloadOutcome)>> reloads;
    std::vector<std::function<void(UpgradeOutcome)>> upgrades;
};

struct Scene {
    http::Reply ask(std::string_view method, std::string_view target) {
        http::Request request;
        request.method_text = method;
        request.method = method == "GET"    ? http::Method::Get
                         : method == "HEAD" ? http::Method::Head
                         : method == "POST" ? http::Method::Post
                                            : http::Method::Other;
        request.target = target;
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
