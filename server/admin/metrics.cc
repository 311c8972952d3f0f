#include "server/admin/metrics.h"

#include <fmt/format.h>

#include <iterator>
#include <span>

#include "server/admin/cache_rows.h"

namespace selvage::admin {

namespace {

class Page {
public:
    void head(std::string_view name, std::string_view type, std::string_view help) {
        if (name == last_) return;
        last_ = name;
        fmt::format_to(out(), "# HELP selvage_{} {}\n# TYPE selvage_{} {}\n", name, help, name, type);
    }
    void line(std::string_view name, std::string_view labels, std::uint64_t value) {
        if (labels.empty()) {
            fmt::format_to(out(), "selvage_{} {}\n", name, value);
        } else {
            fmt::format_to(out(), "selvage_{}{{{}}} {}\n", name, labels, value);
        }
    }
    void line(std::string_view name, double value) { fmt::format_to(out(), "selvage_{} {:.6f}\n", name, value); }
    std::string take() { return std::move(text_); }

private:
    std::back_insert_iterator<std::string> out() { return std::back_inserter(text_); }
    std::string text_;
    std::string_view last_;
};

using Loops = std::span<const http::Counters* const>;

template <typename Value>
std::uint64_t sum(Loops loops, Value value) {
    std::uint64_t total = 0;
    for (const http::Counters* counters : loops) total += value(*counters);
    return total;
}

void requests(Page& page, Loops loops) {
    page.head("requests_total", "counter", "Requests answered, by protocol, status and cache verdict.");
    const auto statuses = http::Counters::statuses();
    for (const auto protocol : {http::Protocol::Http10, http::Protocol::Http11, http::Protocol::Http2}) {
        for (std::size_t slot = 0; slot <= statuses.size(); ++slot) {
            for (std::size_t verdict = 0; verdict < http::kVerdicts; ++verdict) {
                const auto which = static_cast<http::Verdict>(verdict);
                const std::uint64_t count =
                    sum(loops, [&](const http::Counters& counters) { return counters.requests(protocol, slot, which); });
                if (count == 0) continue;
                const std::string status = slot < statuses.size() ? std::to_string(statuses[slot]) : "other";
                page.line("requests_total",
                          fmt::format("protocol=\"{}\",status=\"{}\",cache=\"{}\"", http::name_of(protocol), status,
                                      http::name_of(which)),
                          count);
            }
        }
    }
}

void histograms(Page& page, Loops loops) {
    for (const http::DurationRow& row : http::kDurations) {
        page.head(row.name, "histogram", row.help);
        const std::string bucket_name = fmt::format("{}_bucket", row.name);
        std::uint64_t cumulative = 0;
        for (std::size_t i = 0; i <= http::kBuckets.size(); ++i) {
            cumulative +=
                sum(loops, [&](const http::Counters& counters) { return counters.histogram(row.duration).buckets[i].load(); });
            const bool last = i == http::kBuckets.size();
            page.line(bucket_name,
                      last ? std::string("le=\"+Inf\"") : fmt::format("le=\"{}\"", static_cast<double>(http::kBuckets[i]) / 1e6),
                      cumulative);
        }
        const std::uint64_t microseconds =
            sum(loops, [&](const http::Counters& counters) { return counters.histogram(row.duration).sum_us.load(); });
        page.line(fmt::format("{}_sum", row.name), static_cast<double>(microseconds) / 1e6);
        page.line(fmt::format("{}_count", row.name), "", cumulative);
    }
}

void counters(Page& page, Loops loops) {
    for (const http::CounterRow& row : http::kCounters) {
        page.head(row.name, row.kind == http::Kind::Gauge ? "gauge" : "counter", row.help);
        page.line(row.name, row.labels, sum(loops, [&](const http::Counters& each) { return each.value(row.counter); }));
    }
    page.head("limit_hits_total", "counter", "Times that a limit was hit, by the option's name.");
    for (std::size_t i = 0; i < static_cast<std::size_t>(http::LimitHit::kCount); ++i) {
        const auto limit = static_cast<http::LimitHit>(i);
        page.line("limit_hits_total", fmt::format("limit=\"{}\"", http::name_of(limit)),
                  sum(loops, [&](const http::Counters& each) { return each.value(limit); }));
    }
}

// clang-format off
constexpr GaugeRow kGauges[] = {
    {"transform_queue", "gauge", "", "Image jobs waiting for a worker.", [](const Gauges& g) { return std::uint64_t{g.transform_queue}; }},
    {"transform_queue_lane", "gauge", "lane=\"light\"", "These by what they are: cheap, expensive, or nobody waits for them.", [](const Gauges& g) { return std::uint64_t{g.transforms_light}; }},
    {"transform_queue_lane", "gauge", "lane=\"heavy\"", "", [](const Gauges& g) { return std::uint64_t{g.transforms_heavy}; }},
    {"transform_queue_lane", "gauge", "lane=\"background\"", "", [](const Gauges& g) { return std::uint64_t{g.transforms_background}; }},
    {"transform_memory_bytes", "gauge", "", "Memory that the running image jobs may take together, by estimate.", [](const Gauges& g) { return g.transform_memory; }},
    {"transform_workers_busy", "gauge", "", "Transform processes that are at a job.", [](const Gauges& g) { return std::uint64_t{g.transforms_busy}; }},
    {"transform_workers_ready", "gauge", "", "Transform processes that are up.", [](const Gauges& g) { return std::uint64_t{g.transform_workers}; }},
    {"work_queue", "gauge", "lane=\"now\"", "Tasks waiting for a thread of the work pool.", [](const Gauges& g) { return std::uint64_t{g.work_queue}; }},
    {"work_queue", "gauge", "lane=\"background\"", "", [](const Gauges& g) { return std::uint64_t{g.background_queue}; }},
    {"release_files", "gauge", "state=\"present\"", "Files that are sent as fresh for long: that folders have, and that they had before a deploy.", [](const Gauges& g) { return g.releases.present; }},
    {"release_files", "gauge", "state=\"removed\"", "", [](const Gauges& g) { return g.releases.gone; }},
    {"release_copies", "gauge", "", "Copies of such files that are kept.", [](const Gauges& g) { return g.releases.copies; }},
    {"release_copies_bytes", "gauge", "", "Bytes of these.", [](const Gauges& g) { return g.releases.bytes; }},
    {"release_copies_removed_total", "counter", "reason=\"room\"", "Copies removed to make room, or because they were broken.", [](const Gauges& g) { return g.releases.evicted; }},
    {"release_copies_removed_total", "counter", "reason=\"broken\"", "", [](const Gauges& g) { return g.releases.broken; }},
    {"release_copies_refused_total", "counter", "", "Times that a file was not copied because releases.bytes is used up.", [](const Gauges& g) { return g.releases.no_room; }},
    {"removed_files_found_total", "counter", "", "Look-ups of a file that a deploy had removed which ended with its copy.", [](const Gauges& g) { return g.releases.removed_found; }},
    {"half_written_files_total", "counter", "answer=\"before\"", "Look-ups of a file that was being written, by what is sent: what it was before, or nothing yet.", [](const Gauges& g) { return g.releases.half_as_before; }},
    {"half_written_files_total", "counter", "answer=\"not_found\"", "", [](const Gauges& g) { return g.releases.half_not_found; }},
    {"configuration_generation", "gauge", "", "Which configuration is in force, counted from 1.", [](const Gauges& g) { return g.configuration_generation; }},
};
// clang-format on

void rows(Page& page, std::span<const GaugeRow> table, const Gauges& gauges) {
    for (const GaugeRow& row : table) {
        page.head(row.name, row.type, row.help);
        page.line(row.name, row.labels, row.value(gauges));
    }
}

// The sum is not known: only the counts are.
void buckets(Page& page, std::string_view name, std::string_view help, std::span<const std::uint32_t> bounds,
             std::span<const std::uint64_t> counts) {
    page.head(name, "histogram", help);
    const std::string bucket_name = fmt::format("{}_bucket", name);
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        cumulative += counts[i];
        page.line(bucket_name, i < bounds.size() ? fmt::format("le=\"{}\"", bounds[i]) : std::string("le=\"+Inf\""), cumulative);
    }
    page.line(fmt::format("{}_count", name), "", cumulative);
}

}  // namespace

std::string metrics_text(Loops loops, const Gauges& gauges) {
    Page page;
    requests(page, loops);
    histograms(page, loops);
    counters(page, loops);
    rows(page, cache_rows(), gauges);
    buckets(page, "cache_evicted_age_seconds", "Seconds that evicted objects had been in memory.", cache_store::kAgeBounds,
            gauges.cache.memory.evicted_age);
    buckets(page, "cache_evicted_hits", "Hits that evicted objects had had in memory.", cache_store::kFrequencyBounds,
            gauges.cache.memory.evicted_frequency);
    rows(page, kGauges, gauges);
    return page.take();
}

}  // namespace selvage::admin
