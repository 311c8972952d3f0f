#include "server/admin/metrics.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace selvage;

namespace {

std::string page(const std::vector<const http::Counters*>& loops, const admin::Gauges& gauges = {}) {
    return admin::metrics_text(loops, gauges);
}

// "name{labels}" → value, and what is said about each family.
struct Parsed {
    std::map<std::string, std::string> values;
    std::map<std::string, std::string> types;
    std::vector<std::string> problems;
};

// Prometheus text format 0.0.4: every sample belongs to a family that was declared before it, once; no sample twice.
Parsed parse(const std::string& text) {
    Parsed parsed;
    std::set<std::string> helped;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string first, kind, name, rest;
        if (line.starts_with("# ")) {
            words >> first >> kind >> name >> rest;
            if (kind == "HELP" && !helped.insert(name).second) parsed.problems.push_back("helped twice: " + name);
            if (kind == "HELP" && rest.empty()) parsed.problems.push_back("no help: " + name);
            if (kind == "TYPE" && !parsed.types.emplace(name, rest).second) parsed.problems.push_back("typed twice: " + name);
            continue;
        }
        const std::size_t space = line.rfind(' ');
        const std::string sample = line.substr(0, space);
        std::string family = sample.substr(0, sample.find('{'));
        for (const std::string suffix : {"_bucket", "_sum", "_count"}) {
            if (family.ends_with(suffix) && parsed.types.contains(family.substr(0, family.size() - suffix.size()))) {
                family.resize(family.size() - suffix.size());
                break;
            }
        }
        if (!parsed.types.contains(family)) parsed.problems.push_back("not declared: " + sample);
        if (!family.starts_with("selvage_")) parsed.problems.push_back("foreign: " + sample);
        if (!parsed.values.emplace(sample, line.substr(space + 1)).second) parsed.problems.push_back("twice: " + sample);
    }
    return parsed;
}

}  // namespace

TEST_CASE("the metrics page is well-formed, with and without traffic") {
    http::Counters counters;
    CHECK(parse(page({&counters})).problems == std::vector<std::string>{});
    http::Request request;
    request.received = SteadyTime(std::chrono::seconds(1));
    counters.count(request, {.status = 200, .verdict = http::Verdict::Hit, .complete = true});
    counters.count(request, {.status = 599});
    CHECK(parse(page({&counters})).problems == std::vector<std::string>{});
}

TEST_CASE("every counter row stands at its place and is on the page") {
    http::Counters counters;
    for (std::size_t i = 0; i < http::kCounters.size(); ++i) {
        CHECK(static_cast<std::size_t>(http::kCounters[i].counter) == i);
        counters.add(http::kCounters[i].counter, 1'000 + i);
    }
    const Parsed parsed = parse(page({&counters}));
    for (std::size_t i = 0; i < http::kCounters.size(); ++i) {
        const http::CounterRow& row = http::kCounters[i];
        const std::string sample =
            "selvage_" + std::string(row.name) + (row.labels.empty() ? "" : "{" + std::string(row.labels) + "}");
        INFO(sample);
        REQUIRE(parsed.values.contains(sample));
        CHECK(parsed.values.at(sample) == std::to_string(1'000 + i));
    }
    for (std::size_t i = 0; i < http::kDurations.size(); ++i) CHECK(static_cast<std::size_t>(http::kDurations[i].duration) == i);
}

TEST_CASE("the counters of all loops are added up") {
    http::Counters one, two;
    one.add(http::Counter::BodyBytes, 40);
    two.add(http::Counter::BodyBytes, 2);
    two.limit_hit(http::LimitHit::Idle);
    const Parsed parsed = parse(page({&one, &two}));
    CHECK(parsed.values.at("selvage_response_body_bytes_total") == "42");
    CHECK(parsed.values.at("selvage_limit_hits_total{limit=\"timeouts.idle\"}") == "1");
}

TEST_CASE("requests are told apart by protocol, status and verdict; unlisted statuses share a slot") {
    http::Counters counters;
    http::Request request;
    request.protocol = http::Protocol::Http2;
    counters.count(request, {.status = 200, .verdict = http::Verdict::Hit, .complete = true, .body_bytes = 10});
    counters.count(request, {.status = 200, .verdict = http::Verdict::Hit, .complete = false, .body_bytes = 1});
    counters.count(request, {.status = 418, .verdict = http::Verdict::None, .complete = true});
    counters.count(request, {.status = 999, .verdict = http::Verdict::None, .complete = true});
    const Parsed parsed = parse(page({&counters}));
    const auto sample = [](const std::string& status, http::Verdict verdict) {
        return "selvage_requests_total{protocol=\"h2\",status=\"" + status + "\",cache=\"" + std::string(http::name_of(verdict)) +
               "\"}";
    };
    CHECK(parsed.values.at(sample("200", http::Verdict::Hit)) == "2");
    CHECK(parsed.values.at(sample("other", http::Verdict::None)) == "2");
    CHECK(parsed.values.at("selvage_responses_incomplete_total") == "1");
    CHECK(parsed.values.at("selvage_response_body_bytes_total") == "11");
}

TEST_CASE("durations are cumulative histograms in seconds") {
    http::Counters counters;
    using std::chrono::microseconds;
    counters.observe(http::Duration::Transform, microseconds(100));         // the bound belongs to its bucket
    counters.observe(http::Duration::Transform, microseconds(101));         // the next
    counters.observe(http::Duration::Transform, microseconds(60'000'000));  // beyond all
    counters.observe(http::Duration::Transform, microseconds(-5));          // a clock that went back
    const Parsed parsed = parse(page({&counters}));
    const std::string name = "selvage_transform_duration_seconds";
    CHECK(parsed.types.at(name) == "histogram");
    CHECK(parsed.values.at(name + "_bucket{le=\"0.0001\"}") == "2");
    CHECK(parsed.values.at(name + "_bucket{le=\"0.00025\"}") == "3");
    CHECK(parsed.values.at(name + "_bucket{le=\"10\"}") == "3");
    CHECK(parsed.values.at(name + "_bucket{le=\"+Inf\"}") == "4");
    CHECK(parsed.values.at(name + "_count") == "4");
    CHECK(std::stod(parsed.values.at(name + "_sum")) == Approx(60.000201));
}

TEST_CASE("every status that is told apart has its own sample") {
    http::Counters counters;
    const auto statuses = http::Counters::statuses();
    for (std::size_t i = 0; i < statuses.size(); ++i) {
        for (std::size_t times = 0; times <= i; ++times) counters.count(http::Request{}, {.status = statuses[i]});
    }
    for (const std::uint16_t other : std::initializer_list<std::uint16_t>{0, 199, 599, 600, 65'535})
        counters.count(http::Request{}, {.status = other});
    for (std::size_t i = 0; i < statuses.size(); ++i) {
        CHECK(counters.requests(http::Protocol::Http11, i, http::Verdict::None) == i + 1);
    }
    CHECK(counters.requests(http::Protocol::Http11, statuses.size(), http::Verdict::None) == 5);
}

TEST_CASE("a duration is in the first bucket whose bound it does not exceed") {
    const auto bucket_of = [](std::uint64_t value) {
        http::Counters counters;
        counters.observe(http::Duration::Request, std::chrono::microseconds(value));
        const auto& buckets = counters.histogram(http::Duration::Request).buckets;
        return std::ranges::find_if(buckets, [](const auto& count) { return count.load() == 1; }) - buckets.begin();
    };
    const auto expected = [](std::uint64_t value) {
        return std::ranges::lower_bound(http::kBuckets, value) - http::kBuckets.begin();
    };
    for (int bits = 0; bits < 62; ++bits) {
        for (const int away : {-1, 0, 1}) {
            const std::uint64_t value = (std::uint64_t{1} << bits) + away;
            CHECK(bucket_of(value) == expected(value));
        }
    }
    for (const std::uint64_t bound : http::kBuckets) {
        for (const int away : {-1, 0, 1}) CHECK(bucket_of(bound + away) == expected(bound + away));
    }
}

TEST_CASE("what any thread may count, all may at once") {
    http::Counters counters;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&counters] {
                for (int times = 0; times < 10'000; ++times) {
                    counters.add(http::Counter::CodingsMade);
                    counters.limit_hit(http::LimitHit::WorkQueue);
                }
            });
        }
    }
    CHECK(counters.value(http::Counter::CodingsMade) == 40'000);
    CHECK(counters.value(http::LimitHit::WorkQueue) == 40'000);
}

TEST_CASE("a request that never was one is counted but not timed") {
    http::Counters counters;
    counters.count(http::Request{}, {.status = 414, .finished = SteadyTime(std::chrono::hours(5))});
    const Parsed parsed = parse(page({&counters}));
    CHECK(parsed.values.at("selvage_request_duration_seconds_count") == "0");
}

TEST_CASE("what is measured when asked is on the page") {
    http::Counters counters;
    admin::Gauges gauges;
    gauges.cache.memory.bytes = 7;
    gauges.cache.disk.online = true;
    gauges.cache.memory.evicted_age = {1, 0, 2};
    gauges.configuration_generation = 3;
    const Parsed parsed = parse(page({&counters}, gauges));
    CHECK(parsed.values.at("selvage_cache_bytes{tier=\"memory\"}") == "7");
    CHECK(parsed.values.at("selvage_cache_disk_online") == "1");
    CHECK(parsed.values.at("selvage_configuration_generation") == "3");
    CHECK(parsed.values.at("selvage_cache_evicted_age_seconds_bucket{le=\"600\"}") == "3");  // cumulative
    CHECK(parsed.values.at("selvage_cache_evicted_age_seconds_count") == "3");
}
