#include "config/options.h"

#include "config/forms.h"

namespace selvage::config {
namespace {

using namespace std::chrono_literals;
using enum Effect;

constexpr std::uint64_t kKiB = 1ULL << 10, kMiB = 1ULL << 20, kGiB = 1ULL << 30, kTiB = 1ULL << 40;
constexpr unsigned kLongestSide = 65'535;                   // of JPEG and AVIF; no format we write has more
constexpr std::uint64_t kMostPixels = 10'000'000'000;       // 10 Gpx: what one machine could hold at all
constexpr std::chrono::seconds kLongestTtl = 24h * 3650;    // RFC 9111 §1.2.2 allows 68 years; more than ten is a mistake
constexpr std::chrono::milliseconds kLongestTimeout = 24h;  // a limit that never fires is none

// The member behind a chain of member pointers: at(&Config::server, &Server::workers).
constexpr auto at(auto... members) {
    return [=](auto& owner) -> auto& { return (owner.*....*members); };
}

template <typename Owner, typename T>
Option<Owner> row(std::string_view path, auto place, const Form<T>& form, Effect effect, std::string_view help) {
    return {.path = path,
            .type = form.type,
            .bounds = form.bounds,
            .unit = form.unit,
            .help = help,
            .effect = effect,
            .presence = Presence::Optional,
            .read =
                [=](Owner& owner, const Value& value, Reading& reading) {
                    if (auto read = form.read(value, reading, path)) place(owner) = *std::move(read);
                },
            .write = [=](const Owner& owner) { return form.write(place(owner)); }};
}

template <typename Owner>
Option<Owner> required(Option<Owner> option) {
    option.presence = Presence::Required;
    return option;
}

std::vector<Option<Config>> server_options() {
    return {
        row<Config>(
            "server.listen", at(&Config::server, &Server::listen), list_of(endpoint()), Restart,
            "Where to listen. `https://` speaks HTTP/2 and HTTP/1.1 by ALPN, `http://` speaks HTTP/1.1 and HTTP/2 by prior "
            "knowledge. Port 0 lets the kernel choose. Empty: https://127.0.0.1:8443 and http://127.0.0.1:8080."),
        row<Config>("server.admin", at(&Config::server, &Server::admin), optional(admin_endpoint()), Restart,
                    "Where health, metrics and reload are served, as plain HTTP. Keep it private. Absent: nowhere."),
        row<Config>(
            "server.proxy_protocol", at(&Config::server, &Server::proxy_protocol), list_of(network()), Live,
            "Balancers: addresses whose connections begin with a PROXY header, version 1 or 2. The client named in it is the "
            "one that is limited and logged. Without one the connection is closed."),
        row<Config>("server.workers", at(&Config::server, &Server::workers), count(0, 1024, "loops"), Restart,
                    "Event loops, one thread each. 0: one per core."),
        row<Config>("server.log_level", at(&Config::server, &Server::log_level), log_level(), Live,
                    "The least severe events that the program's own log has."),
        row<Config>("server.access_log", at(&Config::server, &Server::access_log), log_target(), Restart,
                    "One JSON line per request: a file, `stderr`, or empty for none. SIGUSR1 opens the file anew."),
        row<Config>("server.pid_file", at(&Config::server, &Server::pid_file), any_path(), Restart,
                    "A file that has the process id, written when the server is ready, by its successor too. Absent: none."),
        row<Config>("server.drain_timeout", at(&Config::server, &Server::drain_timeout), duration(0s, 1h), Live,
                    "How long requests may take to finish after SIGTERM, SIGINT or an upgrade."),
    };
}

std::vector<Option<Config>> tls_options() {
    return {
        row<Config>("tls.certificate", at(&Config::tls, &Tls::certificate), readable_file(), Live,
                    "Certificate chain in PEM, read again at each reload. Absent together with the key: a self-signed "
                    "certificate for development, kept in the cache folder."),
        row<Config>("tls.key", at(&Config::tls, &Tls::key), readable_file(), Live, "Private key of the certificate, in PEM."),
        row<Config>("tls.key_updates", at(&Config::tls, &Tls::key_updates), count(1, 1'000'000, "times"), Live,
                    "How often a client may change its keys, or ask for a renegotiation; beyond it the connection is ended."),
    };
}

std::vector<Option<Config>> cache_options() {
    return {
        row<Config>("cache.path", at(&Config::cache, &Cache::path), any_path(), Restart,
                    "Folder of the cache; made when missing. Absent: the user's cache folder."),
        row<Config>("cache.memory", at(&Config::cache, &Cache::memory), size(0, 16 * kTiB), Live,
                    "What the memory tier may hold, overhead included."),
        row<Config>("cache.disk", at(&Config::cache, &Cache::disk), size(0, 1024 * kTiB), Live,
                    "What the files of the disk tier may hold together."),
        row<Config>("cache.disk_write_rate", at(&Config::cache, &Cache::disk_write_rate), size(0, kTiB), Live,
                    "What may be written to the disk tier in a second, in the long run; 0: any."),
        row<Config>(
            "cache.fill_timeout", at(&Config::cache, &Cache::fill_timeout), duration(100ms, 1h), Live,
            "How long a representation may take to be read from disk or made; then all who wait for it are answered 504."),
        row<Config>(
            "cache.stale_while_revalidate", at(&Config::cache, &Cache::stale_while_revalidate), whole_seconds(0s, 24h), Live,
            "After an image file has changed: how long what was made of the old one is sent while the new is made. 0: never."),
        row<Config>("cache.stale_if_error", at(&Config::cache, &Cache::stale_if_error), whole_seconds(0s, 24h * 30), Live,
                    "After an image file has changed: how long what was made of the old one is sent when the new one cannot be "
                    "made. 0: never."),
    };
}

std::vector<Option<Config>> compression_options() {
    return {
        row<Config>("compression.pause_above", at(&Config::compression, &Compression::pause_above), count(0, 100, "percent"),
                    Live,
                    "The best codings are made in the background while the server itself uses no more than this of all cores. 0: "
                    "only while it has nothing else to do. 100: always."),
        row<Config>("compression.queue", at(&Config::compression, &Compression::queue), count(1, 1'000'000, "works"), Live,
                    "Contents that may wait for their best codings; beyond it the next request asks again."),
    };
}

std::vector<Option<Config>> release_options() {
    return {
        row<Config>("releases.keep", at(&Config::releases, &Releases::keep), whole_seconds(0s, kLongestTtl), Live,
                    "How long a file with a fingerprinted name is still served after a deploy removed it from the folder. 0: not "
                    "at all."),
        row<Config>("releases.builds", at(&Config::releases, &Releases::builds), count(0, 100, "builds"), Live,
                    "How many builds before the present one stay as compression dictionaries, also beyond `releases.keep`."),
        row<Config>("releases.bytes", at(&Config::releases, &Releases::bytes), size(0, 16 * kTiB), Live,
                    "What the copies of released files may take in the cache folder, beside `cache.disk`. 0: nothing is kept."),
    };
}

std::vector<Option<Config>> dictionary_options() {
    return {
        row<Config>("dictionaries.enabled", at(&Config::dictionaries, &Dictionaries::enabled), flag(), Live,
                    "Offer files with fingerprinted names, and others that stay fresh for a day, as compression dictionaries for "
                    "what follows them (RFC 9842), and send the difference to clients that have one."),
        row<Config>("dictionaries.largest", at(&Config::dictionaries, &Dictionaries::largest), size(kKiB, 8 * kMiB), Live,
                    "Largest file that is offered as a dictionary, or sent as a difference to one."),
        row<Config>("dictionaries.on_the_fly", at(&Config::dictionaries, &Dictionaries::on_the_fly), size(0, 8 * kMiB), Live,
                    "Largest file whose difference is made while a client waits; those of larger ones are made in the "
                    "background, for later clients."),
        row<Config>(
            "dictionaries.at_once", at(&Config::dictionaries, &Dictionaries::at_once), count(1, 64, "per core"), Live,
            "How many of `dictionaries.on_the_fly` bytes are made at the same time while clients wait, or more smaller ones; "
            "beyond it the answer is coded without a dictionary."),
    };
}

std::vector<Option<Config>> hint_options() {
    return {
        row<Config>("hints.file_bytes", at(&Config::hints, &Hints::file_bytes), size(kKiB, 100 * kMiB), Live,
                    "Largest page, style sheet or module that is read to find out what `site.hints` may tell."),
        row<Config>("hints.files", at(&Config::hints, &Hints::files), count(1, 10'000, "files"), Live,
                    "Files that are read for the hints of one page at most."),
    };
}

std::vector<Option<Config>> image_options() {
    using Quality = Image::Quality;
    return {
        row<Config>("image.quality.jpeg", at(&Config::image, &Image::quality, &Quality::jpeg), count(1, 100, ""), Live,
                    "JPEG quality where the URL has no `q`."),
        row<Config>("image.quality.webp", at(&Config::image, &Image::quality, &Quality::webp), count(1, 100, ""), Live,
                    "WebP quality where the URL has no `q`."),
        row<Config>("image.quality.avif", at(&Config::image, &Image::quality, &Quality::avif), count(1, 100, ""), Live,
                    "AVIF quality where the URL has no `q`, on AVIF's own scale."),
        row<Config>("image.auto_formats", at(&Config::image, &Image::auto_formats), list_of(word({"avif", "webp"})), Live,
                    "What `fm=auto` may choose, the preferred first; a format is chosen when Accept has it."),
        row<Config>(
            "image.animated_avif", at(&Config::image, &Image::animated_avif), flag(), Live,
            "Let `fm=auto` choose AVIF for animations, too; without it they become WebP or GIF. `fm=avif` keeps them moving "
            "in either case."),
        row<Config>("image.strict", at(&Config::image, &Image::strict), flag(), Live,
                    "Answer 400 to query keys that no image parameter has, instead of ignoring them."),
        row<Config>("image.source_bytes", at(&Config::image, &Image::source_bytes), size(kKiB, kGiB), Live,
                    "Largest source file that is transformed."),
        row<Config>("image.source_pixels", at(&Config::image, &Image::source_pixels), large_count(1, kMostPixels, "pixels"), Live,
                    "Largest source, in pixels of one frame."),
        row<Config>("image.source_side", at(&Config::image, &Image::source_side), count(1, kLongestSide, "pixels"), Live,
                    "Longest side of a source."),
        row<Config>("image.output_side", at(&Config::image, &Image::output_side), count(1, kLongestSide, "pixels"), Live,
                    "Longest side of a result."),
        row<Config>("image.output_pixels", at(&Config::image, &Image::output_pixels), large_count(1, kMostPixels, "pixels"), Live,
                    "Largest result."),
        row<Config>("image.frames", at(&Config::image, &Image::frames), count(1, 100'000, "frames"), Live,
                    "Frames of an animation that are transformed at most."),
        row<Config>("image.animation_pixels", at(&Config::image, &Image::animation_pixels), large_count(1, kMostPixels, "pixels"),
                    Live, "Largest animation that is transformed, all frames together."),
        row<Config>("image.animation_output_pixels", at(&Config::image, &Image::animation_output_pixels),
                    large_count(1, kMostPixels, "pixels"), Live, "Largest animation that is made, all frames together."),
        row<Config>("image.upscale", at(&Config::image, &Image::upscale), count(1, 100, "times"), Live,
                    "How many times its sides a source may be enlarged with `up=1`; what was asked beyond it becomes smaller."),
        row<Config>("image.upscale_pixels", at(&Config::image, &Image::upscale_pixels), large_count(1, kMostPixels, "pixels"),
                    Live, "Largest result of enlarging; what was asked beyond it becomes smaller, but not than the source."),
        row<Config>("image.dpr", at(&Config::image, &Image::dpr), count(1, 100, ""), Live, "Largest `dpr`; beyond it 400."),
        row<Config>("image.query_bytes", at(&Config::image, &Image::query_bytes), size(64, 64 * kKiB), Live,
                    "Longest query of an image's URL; beyond it 414."),
        row<Config>("image.query_params", at(&Config::image, &Image::query_params), count(1, 1'000, "parameters"), Live,
                    "Parameters of an image's URL; beyond it 400."),
        row<Config>("image.avif_pixels", at(&Config::image, &Image::avif_pixels), large_count(1, kMostPixels, "pixels"), Live,
                    "Largest result as AVIF; larger ones become WebP."),
        row<Config>("image.avif_at_once", at(&Config::image, &Image::avif_at_once), duration(0s, 1min), Live,
                    "With `fm=auto`: an AVIF that would take longer to encode is made in the background, and WebP is sent until "
                    "it is there."),
        row<Config>("image.degrade_wait", at(&Config::image, &Image::degrade_wait), duration(0s, 1min), Live,
                    "With `fm=auto`: when a picture would wait longer for a process, the format that takes the least time is "
                    "sent for now."),
        row<Config>("image.upgrade", at(&Config::image, &Image::upgrade), flag(), Live,
                    "Make fast what a client waits for, and again with more effort in the background when it is asked for again. "
                    "False: each variant is made once."),
        row<Config>("image.siblings", at(&Config::image, &Image::siblings), flag(), Live,
                    "When one width of an image was made: make the other widths that pages ask for in the background."),
        row<Config>("image.convert_plain", at(&Config::image, &Image::convert_plain), flag(), Live,
                    "Apply `fm=auto` to URLs of images without parameters, too. HEIC, TIFF and other kinds that browsers do not "
                    "show are always converted."),
        row<Config>(
            "image.mezzanine", at(&Config::image, &Image::mezzanine), flag(), Live,
            "Keep an image of 2048 pixels of a large source, from its second variant on, and make further small variants of "
            "it: half the time of each, for about 1 MB."),
        row<Config>("image.variants_per_source", at(&Config::image, &Image::variants_per_source), count(0, 100'000, "variants"),
                    Live, "Different variants of one source that are stored; beyond it they are made for each request. 0: any."),
        row<Config>("image.client_misses", at(&Config::image, &Image::client_misses), count(0, 1'000'000, "per second"), Live,
                    "Variants that one client may have made in the long run; beyond it the answer is 429. What is stored is not "
                    "counted, nor are the clients of `limits.address_exempt`. 0: any."),
        row<Config>("image.client_misses_burst", at(&Config::image, &Image::client_misses_burst), count(1, 1'000'000, "variants"),
                    Live, "And how many at once."),
        row<Config>("image.rasterise_svg", at(&Config::image, &Image::rasterise_svg), flag(), Live,
                    "Let `fm` make pixels of an SVG; else it is sent as it is, and `fm` refused."),
        row<Config>("image.svg_bytes", at(&Config::image, &Image::svg_bytes), size(kKiB, kGiB), Live,
                    "Largest SVG that pixels are made of."),
        row<Config>("image.svg_elements", at(&Config::image, &Image::svg_elements), count(1, 10'000'000, "elements"), Live,
                    "Elements of an SVG that pixels are made of at most."),
        row<Config>("image.svg_cpu", at(&Config::image, &Image::svg_cpu), whole_seconds(1s, 10min), Live,
                    "CPU time of making pixels of an SVG."),
        row<Config>("image.source_timeout", at(&Config::image, &Image::source_timeout), duration(100ms, 10min), Live,
                    "How long reading a source may take."),
        row<Config>("image.total_timeout", at(&Config::image, &Image::total_timeout), duration(100ms, 10min), Live,
                    "How long a client waits for a variant at most, from reading the source to the last byte of the result."),
    };
}

std::vector<Option<Config>> worker_options() {
    return {
        row<Config>("image.workers", at(&Config::image, &Image::workers), count(0, 1024, "processes"), Restart,
                    "Transform processes, one job each at a time. 0: one per core."),
        row<Config>(
            "image.queue", at(&Config::image, &Image::queue), count(0, 1'000'000, "jobs"), Restart,
            "Cheap jobs that may wait for a process; beyond it the answer is 503. As many may wait in the background, where "
            "nobody waits for them. 0: 64 per process, but not more than it does in 1.2 s, by estimate."),
        row<Config>("image.heavy_queue", at(&Config::image, &Image::heavy_queue), count(0, 1'000'000, "jobs"), Restart,
                    "Expensive jobs (150 ms and more, by estimate) that may wait for a process; beyond it the answer is 503. "
                    "They never take the last process, where there are several. 0: one per process."),
        row<Config>(
            "image.gather", at(&Config::image, &Image::gather), duration(0ms, 1s), Live,
            "How long a job waits for others of the same costly source, which is then decoded once for all; anew for each "
            "that comes, four times at most. 0: not."),
        row<Config>(
            "image.memory_budget", at(&Config::image, &Image::memory_budget), size(0, kTiB), Live,
            "Memory that running jobs may take together, by estimate; what does not fit waits, unless it is alone. 0: half "
            "of the machine's or of the control group's limit."),
        row<Config>("image.worker_memory", at(&Config::image, &Image::worker_memory), size(128 * kMiB, kTiB), Restart,
                    "Address space of a transform process."),
        row<Config>("image.worker_cpu", at(&Config::image, &Image::worker_cpu), whole_seconds(1s, 10min), Live,
                    "CPU time of one job."),
        row<Config>("image.process_timeout", at(&Config::image, &Image::process_timeout), duration(100ms, 10min), Live,
                    "Time of one job by the clock; then its process is killed and replaced."),
        row<Config>("image.queue_timeout", at(&Config::image, &Image::queue_timeout), duration(100ms, 10min), Live,
                    "How long a job may wait for a process."),
        row<Config>("image.recycle_jobs", at(&Config::image, &Image::recycle_jobs), count(1, 1'000'000'000, "jobs"), Live,
                    "Jobs after which a process is replaced."),
        row<Config>("image.recycle_memory", at(&Config::image, &Image::recycle_memory), size(16 * kMiB, kTiB), Live,
                    "Resident memory after a job above which a process is replaced."),
    };
}

std::vector<Option<Config>> http1_options() {
    return {
        row<Config>("http1.request_line", at(&Config::http1, &Http1::request_line), size(256, kMiB), Live,
                    "Longest request line; beyond it 414."),
        row<Config>("http1.header_bytes", at(&Config::http1, &Http1::header_bytes), size(kKiB, kMiB), Live,
                    "Largest header section; beyond it 431."),
        row<Config>("http1.field_bytes", at(&Config::http1, &Http1::field_bytes), size(256, kMiB), Live,
                    "Largest single field; beyond it 431."),
        row<Config>("http1.fields", at(&Config::http1, &Http1::fields), count(1, 10'000, "fields"), Live,
                    "Fields in a header section; beyond it 431."),
    };
}

std::vector<Option<Config>> http2_options() {
    return {
        row<Config>("http2.streams", at(&Config::http2, &Http2::streams), count(1, 10'000, "streams"), Live,
                    "Concurrent requests on a connection; more are refused."),
        row<Config>("http2.stream_window", at(&Config::http2, &Http2::stream_window), size(kKiB, kGiB), Live,
                    "What a client may send on a stream before it is read."),
        row<Config>("http2.connection_window", at(&Config::http2, &Http2::connection_window), size(64 * kKiB, kGiB), Live,
                    "What a client may send on a connection before it is read."),
        row<Config>("http2.header_bytes", at(&Config::http2, &Http2::header_bytes), size(kKiB, kMiB), Live,
                    "Largest header section, decoded; beyond it 431."),
        row<Config>("http2.fields", at(&Config::http2, &Http2::fields), count(1, 10'000, "fields"), Live,
                    "Fields in a header section; beyond it 431."),
        row<Config>("http2.continuations", at(&Config::http2, &Http2::continuations), count(0, 1'000, "frames"), Live,
                    "CONTINUATION frames of a header block; beyond it the connection is ended."),
        row<Config>("http2.requests", at(&Config::http2, &Http2::requests), count(1, 1'000'000'000, "requests"), Live,
                    "Requests on a connection before it is closed gracefully."),
        row<Config>("http2.refused", at(&Config::http2, &Http2::refused), count(1, 1'000'000, "requests"), Live,
                    "Requests beyond `http2.streams` within 10 s; beyond it the connection is ended."),
        row<Config>("http2.resets", at(&Config::http2, &Http2::resets), count(1, 1'000'000, "resets"), Live,
                    "Streams that a client may reset, or cause to be reset, at once; beyond it the connection is ended."),
        row<Config>("http2.resets_per_second", at(&Config::http2, &Http2::resets_per_second), count(0, 1'000'000, "resets"), Live,
                    "How fast `http2.resets` comes back."),
        row<Config>(
            "http2.early_resets", at(&Config::http2, &Http2::early_resets), count(1, 100, "percent"), Live,
            "How many of its streams a client may reset within their first second, once there were more than `http2.resets`. "
            "100: all."),
        row<Config>("http2.glitches", at(&Config::http2, &Http2::glitches), count(1, 1'000'000'000, "points"), Live,
                    "What a client may send at once that is allowed and of no use: empty frames 5 points, SETTINGS 5, GOAWAY 10, "
                    "an oversized header section 50, "
                    "padding alone 2, a frame on a closed stream 2, PING, PRIORITY, an unknown frame or a tiny WINDOW_UPDATE 1. "
                    "Beyond it the connection is ended."),
        row<Config>("http2.glitches_per_second", at(&Config::http2, &Http2::glitches_per_second),
                    count(0, 1'000'000'000, "points"), Live, "How fast `http2.glitches` comes back."),
        row<Config>("http2.acknowledgements", at(&Config::http2, &Http2::acknowledgements), count(1, 1'000'000, "frames"), Live,
                    "Acknowledgements of PING and SETTINGS that may wait to be sent; beyond it the connection is ended."),
    };
}

std::vector<Option<Config>> timeout_options() {
    return {
        row<Config>("timeouts.handshake", at(&Config::timeouts, &Timeouts::handshake), duration(100ms, kLongestTimeout), Live,
                    "For the TLS handshake, or until the first byte of a new connection."),
        row<Config>("timeouts.header", at(&Config::timeouts, &Timeouts::header), duration(100ms, kLongestTimeout), Live,
                    "For the whole header section of a request."),
        row<Config>("timeouts.header_block", at(&Config::timeouts, &Timeouts::header_block), duration(100ms, kLongestTimeout),
                    Live, "For all frames of an HTTP/2 header block."),
        row<Config>("timeouts.idle", at(&Config::timeouts, &Timeouts::idle), duration(100ms, kLongestTimeout), Live,
                    "How long a connection without requests is kept."),
        row<Config>("timeouts.write", at(&Config::timeouts, &Timeouts::write), duration(100ms, kLongestTimeout), Live,
                    "How long a client may take nothing of a response."),
        row<Config>("timeouts.idle_pings", at(&Config::timeouts, &Timeouts::idle_pings), duration(100ms, kLongestTimeout), Live,
                    "How long PING alone keeps an HTTP/2 connection without requests."),
        row<Config>("timeouts.stream_write", at(&Config::timeouts, &Timeouts::stream_write), duration(100ms, kLongestTimeout),
                    Live, "How long a client may keep the window of an HTTP/2 response closed."),
        row<Config>("timeouts.slow_write", at(&Config::timeouts, &Timeouts::slow_write), duration(100ms, kLongestTimeout), Live,
                    "After how long of waiting for a client `limits.write_rate` is asked of it."),
    };
}

std::vector<Option<Config>> limit_options() {
    return {
        row<Config>("limits.connections", at(&Config::limits, &Limits::connections), count(0, 100'000'000, "connections"), Live,
                    "Open connections; beyond it the one idle longest makes room, and without an idle one the new one is closed. "
                    "0: 0.8 of the "
                    "descriptor limit."),
        row<Config>(
            "limits.address_connections", at(&Config::limits, &Limits::address_connections), count(0, 100'000'000, "connections"),
            Live,
            "Open connections of one client: an IPv4 address or an IPv6 /64; beyond it new ones are closed at once. 0: any."),
        row<Config>("limits.address_rate", at(&Config::limits, &Limits::address_rate), count(0, 100'000'000, "connections"), Live,
                    "New connections per second of one client; beyond it they are closed at once. 0: any."),
        row<Config>(
            "limits.address_exempt", at(&Config::limits, &Limits::address_exempt), list_of(network()), Live,
            "Whose connections are not counted by address: balancers that do not speak the PROXY protocol, programs of this "
            "machine."),
        row<Config>("limits.write_rate", at(&Config::limits, &Limits::write_rate), size(0, kGiB), Live,
                    "What a client must take per second, on average, of what waits for it. 0: anything."),
        row<Config>("limits.memory_file", at(&Config::limits, &Limits::memory_file), size(0, kGiB), Live,
                    "Files up to this size are served from memory."),
        row<Config>("limits.catalogue_entries", at(&Config::limits, &Limits::catalogue_entries), count(1, 100'000'000, "files"),
                    Live, "Files of a site that are remembered."),
        row<Config>(
            "limits.fills", at(&Config::limits, &Limits::fills), count(2, 1'000'000, "fills"), Live,
            "Representations that may be read from disk or made at the same time, half of them in the background; beyond it "
            "the answer is 503."),
    };
}

// The sections one after the other.
std::vector<Option<Config>> joined(std::initializer_list<std::vector<Option<Config>>> sections) {
    std::vector<Option<Config>> all;
    for (const auto& section : sections) all.insert(all.end(), section.begin(), section.end());
    return all;
}

}  // namespace

const std::vector<Option<Config>>& program_options() {
    static const auto options = joined({server_options(), tls_options(), cache_options(), compression_options(),
                                        release_options(), dictionary_options(), hint_options(), image_options(),
                                        worker_options(), http1_options(), http2_options(), timeout_options(), limit_options()});
    return options;
}

const std::vector<Option<Site>>& site_options() {
    static const std::vector<Option<Site>> options = {
        row<Site>("site.hosts", at(&Site::hosts), hosts(), Live,
                  "Names that the site answers to, without port: `example.org`, `*.example.org`, or `*` for all that no "
                  "other site has. A name belongs to one site."),
        required(row<Site>("site.root", at(&Site::root), folder(), Live, "The folder that is served.")),
        row<Site>("site.follow_symlinks", at(&Site::follow_symlinks), flag(), Live,
                  "Follow symbolic links that lead out of the root; those within it are always followed."),
        row<Site>("site.hints", at(&Site::hints), flag(), Live,
                  "Pages say in `Link` fields what browsers should load early because the markup does not name it: the font of "
                  "the text, and the modules that modules import. At most 6 per page."),
        row<Site>("site.dictionary", at(&Site::dictionary), flag(), Live,
                  "Make a compression dictionary of what the site's pages have in common. Browsers fetch it once, when they have "
                  "nothing else to do, and get all further pages as differences to it."),
        row<Site>("site.page_deltas", at(&Site::page_deltas), whole_seconds(0s, 24h), Live,
                  "How long browsers may keep a page without asking, and get other pages of its folder as differences to it. A "
                  "visitor may see a page that is as old as that. 0: pages are asked for each time."),
    };
    return options;
}

const std::vector<Option<Rule>>& rule_options() {
    static const std::vector<Option<Rule>> options = {
        required(row<Rule>("site.rule.match", at(&Rule::match), glob(), Live,
                           "Which paths, after decoding: `*` matches within a segment, `**` across segments, `?` one byte. The "
                           "first rule that matches wins.")),
        row<Rule>("site.rule.browser_ttl", at(&Rule::browser_ttl), optional(whole_seconds(0s, kLongestTtl)), Live,
                  "`max-age` towards browsers. Absent: the built-in policy."),
        row<Rule>("site.rule.edge_ttl", at(&Rule::edge_ttl), optional(whole_seconds(0s, kLongestTtl)), Live,
                  "How long this edge keeps a response, and `s-maxage` for others. Absent: the built-in policy."),
        row<Rule>("site.rule.bypass", at(&Rule::bypass), flag(), Live,
                  "Keep nothing that is derived for these paths, and answer `no-store`."),
        row<Rule>("site.rule.tags", at(&Rule::tags), list_of(tag()), Live,
                  "Words by which `selvage purge --tag` takes out of use what is stored for these paths."),
        row<Rule>("site.rule.headers", at(&Rule::headers), fields(), Live,
                  "Fields added to responses, in place of fields of the same name. Fields that the server owns (such as ETag, "
                  "Vary and Content-Length) are refused."),
    };
    return options;
}

}  // namespace selvage::config
