#include "server/http/counters.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <utility>

namespace selvage::http {

// clang-format off
const std::array<CounterRow, static_cast<std::size_t>(Counter::kCount)> kCounters = {{
    {Counter::ConnectionsAccepted, Kind::Counter, "connections_accepted_total", "", "Connections accepted."},
    {Counter::ConnectionsOpen, Kind::Gauge, "connections_open", "", "Connections open now."},
    {Counter::BodyBytes, Kind::Counter, "response_body_bytes_total", "", "Body bytes handed to the transport."},
    {Counter::IncompleteResponses, Kind::Counter, "responses_incomplete_total", "", "Responses that ended before their last byte: the client left, or the file changed."},
    {Counter::TransformJpeg, Kind::Counter, "transforms_total", "format=\"jpeg\"", "Images made, by output format."},
    {Counter::TransformPng, Kind::Counter, "transforms_total", "format=\"png\"", ""},
    {Counter::TransformWebp, Kind::Counter, "transforms_total", "format=\"webp\"", ""},
    {Counter::TransformAvif, Kind::Counter, "transforms_total", "format=\"avif\"", ""},
    {Counter::TransformGif, Kind::Counter, "transforms_total", "format=\"gif\"", ""},
    {Counter::TransformOk, Kind::Counter, "transform_outcomes_total", "outcome=\"ok\"", "Transform jobs, by outcome."},
    {Counter::TransformRefused, Kind::Counter, "transform_outcomes_total", "outcome=\"refused\"", ""},
    {Counter::TransformTimedOut, Kind::Counter, "transform_outcomes_total", "outcome=\"timed_out\"", ""},
    {Counter::TransformCrashed, Kind::Counter, "transform_outcomes_total", "outcome=\"crashed\"", ""},
    {Counter::TransformOverloaded, Kind::Counter, "transform_outcomes_total", "outcome=\"overloaded\"", ""},
    {Counter::TransformBatches, Kind::Counter, "transform_batches_total", "", "Times that several images were made of one decoded source."},
    {Counter::TransformBatchedOrders, Kind::Counter, "transform_batched_orders_total", "", "Images in these batches."},
    {Counter::TransformMemoryWaits, Kind::Counter, "transform_memory_waits_total", "", "Times that a process stayed idle because what waits would take more than image.memory_budget."},
    {Counter::SourcesPoisoned, Kind::Counter, "sources_poisoned_total", "", "Sources refused for an hour because they were with two lost processes."},
    {Counter::WorkerStarts, Kind::Counter, "worker_starts_total", "", "Transform processes started."},
    {Counter::WorkerRestarts, Kind::Counter, "worker_restarts_total", "", "Transform processes replaced after a crash, a missed deadline or a kill."},
    {Counter::FillsStarted, Kind::Counter, "fills_started_total", "", "Representations that began to be filled or derived."},
    {Counter::FillsCoalesced, Kind::Counter, "fills_coalesced_total", "", "Requests that joined a fill under way."},
    {Counter::FillsUnderWay, Kind::Gauge, "fills", "", "Fills under way now."},
    {Counter::FillWaiters, Kind::Gauge, "fill_waiters", "", "Requests that wait for a fill now."},
    {Counter::FillsCancelled, Kind::Counter, "fills_cancelled_total", "", "Fills given up because nobody waited any more."},
    {Counter::FillsTimedOut, Kind::Counter, "fills_timed_out_total", "", "Fills that took longer than cache.fill_timeout."},
    {Counter::FillFailuresRemembered, Kind::Counter, "fill_failures_remembered_total", "", "Requests told of a failure of the last second, without another try."},
    {Counter::StaleWhileRevalidate, Kind::Counter, "stale_answers_total", "reason=\"while_revalidate\"", "Requests answered with what is stale, by reason."},
    {Counter::StaleIfError, Kind::Counter, "stale_answers_total", "reason=\"if_error\"", ""},
    {Counter::ImageUpgrades, Kind::Counter, "image_background_total", "reason=\"upgrade\"", "Images that were asked to be made in the background, by reason."},
    {Counter::ImagesInBackground, Kind::Counter, "image_background_total", "reason=\"slow\"", ""},
    {Counter::ImageSiblings, Kind::Counter, "image_background_total", "reason=\"sibling\"", ""},
    {Counter::ImageFallbackSlow, Kind::Counter, "image_fallback_answers_total", "reason=\"slow\"", "Requests answered in another format for now, by reason: the better one is being made, or too much waits."},
    {Counter::ImageFallbackCrowded, Kind::Counter, "image_fallback_answers_total", "reason=\"crowded\"", ""},
    {Counter::MezzaninesMade, Kind::Counter, "mezzanines_made_total", "", "Images that were made to stand in for a large source."},
    {Counter::MezzaninesUsed, Kind::Counter, "mezzanines_used_total", "", "Variants that were made of one of these instead of the source."},
    {Counter::DictionariesOffered, Kind::Counter, "dictionaries_offered_total", "", "Responses that were offered as a dictionary."},
    {Counter::DeltasFromStore, Kind::Counter, "dictionary_requests_total", "outcome=\"stored\"", "Requests that named a dictionary and could be answered with its help, by outcome: with a difference that was stored, or made for it; without, as it saves too little, is not made yet, or the dictionary is not known."},
    {Counter::DeltasMadeNow, Kind::Counter, "dictionary_requests_total", "outcome=\"made\"", ""},
    {Counter::DeltasOfNoUse, Kind::Counter, "dictionary_requests_total", "outcome=\"no_gain\"", ""},
    {Counter::DeltasNotReady, Kind::Counter, "dictionary_requests_total", "outcome=\"not_ready\"", ""},
    {Counter::DictionariesUnknown, Kind::Counter, "dictionary_requests_total", "outcome=\"unknown\"", ""},
    {Counter::DeltaBytesSaved, Kind::Counter, "dictionary_bytes_saved_total", "", "Body bytes that differences were smaller than what the same clients would have got."},
    {Counter::ReloadsOk, Kind::Counter, "reloads_total", "outcome=\"ok\"", "Configuration reloads, by outcome."},
    {Counter::ReloadsFailed, Kind::Counter, "reloads_total", "outcome=\"failed\"", ""},
    {Counter::AccessLogDropped, Kind::Counter, "access_log_dropped_total", "", "Access log lines dropped because the writer could not keep up."},
    {Counter::CodingsMade, Kind::Counter, "codings_made_total", "", "Content-coded representations made."},
    {Counter::CodingsWithoutGain, Kind::Counter, "codings_without_gain_total", "", "Codings that saved too little to be kept."},
    {Counter::DeltasMade, Kind::Counter, "deltas_made_total", "", "Differences to dictionaries that were made."},
    {Counter::DeltasWithoutGain, Kind::Counter, "deltas_without_gain_total", "", "Differences to dictionaries that saved too little to be kept."},
    {Counter::DeltasFailed, Kind::Counter, "deltas_failed_total", "", "Differences to dictionaries that could not be made: one of the two contents could not be read, or what was made did not decode."},
    {Counter::AccessLogLost, Kind::Counter, "access_log_lost_total", "", "Access log lines that could not be written, as on a full disk."},
    {Counter::HintsGathered, Kind::Counter, "hints_gathered_total", "", "Times that a page was read for what it should be told to preload."},
    {Counter::BackgroundPauses, Kind::Counter, "background_pauses_total", "", "Times that background work stood still because the server was busier than compression.pause_above."},
}};

const std::array<DurationRow, static_cast<std::size_t>(Duration::kCount)> kDurations = {{
    {Duration::Request, "request_duration_seconds", "From the last header byte to the last byte handed to the transport."},
    {Duration::FirstByte, "first_byte_duration_seconds", "From the last header byte to the response's head."},
    {Duration::Transform, "transform_duration_seconds", "Wall time of transform jobs in their worker."},
}};
// clang-format on

namespace {

constexpr auto kStatuses = std::to_array<std::uint16_t>({200, 204, 206, 301, 304, 308, 400, 403, 404, 405, 406, 408, 412, 413,
                                                         414, 415, 416, 421, 422, 429, 431, 499, 500, 501, 502, 503, 504, 505});

// Status → its slot; statuses.size() is the slot of all others.
constexpr std::array kSlots = [] {
    std::array<std::uint8_t, 600> slots{};
    slots.fill(kStatuses.size());
    for (std::size_t i = 0; i < kStatuses.size(); ++i) slots[kStatuses[i]] = static_cast<std::uint8_t>(i);
    return slots;
}();

std::size_t slot_of(std::uint16_t status) { return status < kSlots.size() ? kSlots[status] : kStatuses.size(); }

// Between two powers of two lies one bound at most: the number of bits leaves one comparison to make.
struct Step {
    std::uint64_t bound;  // above it: the next bucket
    std::size_t bucket;
};
constexpr std::array kSteps = [] {
    std::array<Step, 65> steps{};
    for (unsigned bits = 0; bits < steps.size(); ++bits) {
        const std::uint64_t least = bits == 0 ? 0 : std::uint64_t{1} << (bits - 1);
        const auto bucket = static_cast<std::size_t>(std::ranges::lower_bound(kBuckets, least) - kBuckets.begin());
        const bool last = bucket == kBuckets.size();
        steps[bits] = {last ? ~std::uint64_t{0} : kBuckets[bucket], bucket};
    }
    return steps;
}();
static_assert(std::ranges::adjacent_find(kBuckets, [](std::uint64_t a, std::uint64_t b) {
                  return std::bit_width(a) == std::bit_width(b);
              }) == kBuckets.end());

std::size_t bucket_of(std::uint64_t microseconds) {
    const Step& step = kSteps[std::bit_width(microseconds)];
    return step.bucket + (microseconds > step.bound ? 1 : 0);
}

}  // namespace

std::string_view name_of(LimitHit limit) {
    using enum LimitHit;
    static constexpr std::pair<LimitHit, std::string_view> kNames[] = {
        {RequestLine, "http1.request_line"},
        {HeaderBytes, "header_bytes"},
        {HeaderFields, "fields"},
        {Continuations, "http2.continuations"},
        {Streams, "http2.streams"},
        {RefusedStreams, "http2.refused"},
        {RequestsPerConnection, "http2.requests"},
        {Resets, "http2.resets"},
        {EarlyResets, "http2.early_resets"},
        {Glitches, "http2.glitches"},
        {Acknowledgements, "http2.acknowledgements"},
        {KeyUpdates, "tls.key_updates"},
        {Handshake, "timeouts.handshake"},
        {HeaderTime, "timeouts.header"},
        {HeaderBlockTime, "timeouts.header_block"},
        {Idle, "timeouts.idle"},
        {IdlePings, "timeouts.idle_pings"},
        {WriteProgress, "timeouts.write"},
        {StreamWrite, "timeouts.stream_write"},
        {WriteRate, "limits.write_rate"},
        {ProxyHeader, "server.proxy_protocol"},
        {Connections, "limits.connections"},
        {ConnectionsShed, "limits.connections.shed"},
        {Descriptors, "descriptors"},
        {AddressConnections, "limits.address_connections"},
        {AddressRate, "limits.address_rate"},
        {ImageQueue, "image.queue"},
        {ImageHeavyQueue, "image.heavy_queue"},
        {ImageQueueTime, "image.queue_timeout"},
        {ImageSourceBytes, "image.source_bytes"},
        {ImageSourcePixels, "image.source_pixels"},
        {ImageSourceSide, "image.source_side"},
        {ImageOutputPixels, "image.output_pixels"},
        {ImageOutputSide, "image.output_side"},
        {ImageFormatSide, "format_side"},
        {ImageAvifPixels, "image.avif_pixels"},
        {ImageUpscale, "image.upscale"},
        {ImageUpscalePixels, "image.upscale_pixels"},
        {ImageDpr, "image.dpr"},
        {ImageQueryBytes, "image.query_bytes"},
        {ImageQueryParams, "image.query_params"},
        {ImageFrames, "image.frames"},
        {ImageAnimationPixels, "image.animation_pixels"},
        {ImageAnimationOutput, "image.animation_output_pixels"},
        {ImageSvgBytes, "image.svg_bytes"},
        {ImageSvgElements, "image.svg_elements"},
        {ImageSvgCpu, "image.svg_cpu"},
        {ImageWorkerCpu, "image.worker_cpu"},
        {ImageProcessTime, "image.process_timeout"},
        {ImageRecycleJobs, "image.recycle_jobs"},
        {ImageRecycleMemory, "image.recycle_memory"},
        {ImageVariants, "image.variants_per_source"},
        {ImageMisses, "image.client_misses"},
        {ImageSourceTime, "image.source_timeout"},
        {ImageTotalTime, "image.total_timeout"},
        {HintsFileBytes, "hints.file_bytes"},
        {HintsFiles, "hints.files"},
        {WorkQueue, "work_queue"},
        {CompressionQueue, "compression.queue"},
        {DictionaryLargest, "dictionaries.largest"},
        {DictionaryOnTheFly, "dictionaries.on_the_fly"},
        {DictionaryAtOnce, "dictionaries.at_once"},
        {Fills, "limits.fills"},
    };
    static_assert(std::size(kNames) == static_cast<std::size_t>(kCount));
    static_assert(std::ranges::is_sorted(kNames, {}, &std::pair<LimitHit, std::string_view>::first));
    return limit < kCount ? kNames[static_cast<std::size_t>(limit)].second : "none";
}

std::string_view name_of(Protocol protocol) {
    switch (protocol) {
        case Protocol::Http10:
            return "http/1.0";
        case Protocol::Http11:
            return "http/1.1";
        case Protocol::Http2:
            break;
    }
    return "h2";
}

std::span<const std::uint16_t> Counters::statuses() {
    static_assert(kStatuses.size() < kStatusSlots);
    return kStatuses;
}

void Counters::observe(Duration duration, std::chrono::microseconds value) {
    const auto microseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0));
    Histogram& histogram = histograms_[static_cast<std::size_t>(duration)];
    histogram.buckets[bucket_of(microseconds)].add(1);
    histogram.sum_us.add(microseconds);
}

void Counters::count(const Request& request, const Outcome& outcome) {
    requests_[request_place(request.protocol, slot_of(outcome.status), outcome.verdict)].add(1);
    add(Counter::BodyBytes, outcome.body_bytes);
    if (!outcome.complete) add(Counter::IncompleteResponses);
    using std::chrono::duration_cast;
    using std::chrono::microseconds;
    if (request.received == SteadyTime{}) return;  // refused before there was a request
    observe(Duration::Request, duration_cast<microseconds>(outcome.finished - request.received));
    if (outcome.first_byte != SteadyTime{}) {
        observe(Duration::FirstByte, duration_cast<microseconds>(outcome.first_byte - request.received));
    }
}

std::uint64_t Counters::requests(Protocol protocol, std::size_t status_slot, Verdict verdict) const {
    return requests_[request_place(protocol, status_slot, verdict)].load();
}

}  // namespace selvage::http
