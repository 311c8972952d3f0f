#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ip_address.h"
#include "base/log.h"

namespace selvage::config {

using std::chrono::milliseconds;
using std::chrono::seconds;

enum class Scheme : std::uint8_t { Http, Https };

// An address to listen on. `host` is an IPv4 or IPv6 literal without brackets; port 0 lets the kernel choose.
struct Endpoint {
    Scheme scheme = Scheme::Http;
    std::string host;
    std::uint16_t port = 0;
    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct Server {
    std::vector<Endpoint> listen;         // empty: the two defaults of `selvage serve`
    std::optional<Endpoint> admin;        // plain HTTP; absent: no admin listener
    std::vector<Network> proxy_protocol;  // balancers, whose connections begin with a PROXY header
    unsigned workers = 0;                 // loops; 0: one per core
    LogLevel log_level = LogLevel::Info;
    std::string access_log;  // "": none, "stderr", or a file path
    std::string pid_file;    // "": none
    milliseconds drain_timeout{30'000};
};

struct Tls {
    std::string certificate;  // PEM chain; empty together with `key`: the development certificate
    std::string key;
    unsigned key_updates = 64;  // of a connection, by its client
};

struct Cache {
    std::string path;  // empty: the user's cache directory
    std::uint64_t memory = 256ULL << 20;
    std::uint64_t disk = 10ULL << 30;
    std::uint64_t disk_write_rate = 64ULL << 20;  // bytes per second; 0: any
    milliseconds fill_timeout{30'000};            // of what is read from disk or made for a request
    seconds stale_while_revalidate{60};           // of an image that changed; 0: off
    seconds stale_if_error{3'600};                // 0: off
};

// What is kept of earlier releases of a site.
struct Releases {
    seconds keep{30 * 24 * 3'600};       // a fingerprinted file that went stays served; 0: not at all
    unsigned builds = 4;                 // whose contents stay, as dictionaries, even longer
    std::uint64_t bytes = 256ULL << 20;  // of kept contents, on the disk; 0: nothing is kept
};

// Deltas between releases: RFC 9842.
struct Dictionaries {
    bool enabled = true;
    std::uint64_t largest = 8 << 20;     // bytes of what is offered as a dictionary or coded with one
    std::uint64_t on_the_fly = 4 << 20;  // bytes of what is coded while a client waits
    unsigned at_once = 2;                // so many times these bytes per core
};

// Link fields of pages (site.hints).
struct Hints {
    std::uint64_t file_bytes = 1 << 20;  // larger pages, style sheets and modules are not read
    unsigned files = 64;                 // read for one page
};

struct Image {
    struct Quality {
        unsigned jpeg = 80, webp = 79, avif = 55;  // each codec's own scale, 1…100
    } quality;
    std::vector<std::string> auto_formats = {"avif", "webp"};
    bool animated_avif = false;  // fm=auto may choose AVIF for animations
    bool strict = false;         // unknown query keys are an error
    std::uint64_t source_bytes = 50'000'000;
    std::uint64_t source_pixels = 50'000'000;  // one frame
    unsigned source_side = 16'384;
    unsigned output_side = 8'192;
    std::uint64_t output_pixels = 40'000'000;
    unsigned frames = 500;
    std::uint64_t animation_pixels = 50'000'000;          // of a source, all frames together
    std::uint64_t animation_output_pixels = 100'000'000;  // of a result
    unsigned upscale = 4;                                 // times a source's sides, with `up=1`
    std::uint64_t upscale_pixels = 24'000'000;            // and no larger than this
    unsigned dpr = 4;                                     // largest `dpr`
    std::uint64_t query_bytes = 2'048;
    unsigned query_params = 32;
    std::uint64_t avif_pixels = 8'000'000;  // larger outputs become WebP
    milliseconds avif_at_once{150};         // predicted encoding; what takes longer is WebP first (fm=auto)
    milliseconds degrade_wait{1'000};       // a longer wait for a worker: a cheaper format for now (fm=auto)
    bool upgrade = true;                    // what was made fast is made again, better, when it is asked for again
    bool siblings = false;                  // the other widths of a srcset are made in the background
    bool convert_plain = false;             // fm=auto for image URLs without parameters
    bool mezzanine = true;                  // a smaller image stands in for a source that is dear to decode
    unsigned variants_per_source = 200;     // stored; 0: any
    unsigned client_misses = 20;            // variants made per second for one client, in the long run; 0: any
    unsigned client_misses_burst = 100;     // and at once
    bool rasterise_svg = false;             // `fm` may ask for pixels of a drawing
    std::uint64_t svg_bytes = 2'000'000;
    unsigned svg_elements = 50'000;
    seconds svg_cpu{2};                        // per job, in place of worker_cpu
    milliseconds source_timeout{5'000};        // until a source's bytes are read
    milliseconds total_timeout{15'000};        // until who waits for a variant is told that there will be none
    unsigned workers = 0;                      // processes; 0: one per core
    unsigned queue = 0;                        // cheap jobs waiting; 0: by their number and their cost
    unsigned heavy_queue = 0;                  // expensive ones; 0: 1 per worker
    milliseconds gather{4};                    // how long a job waits for others of a costly source
    std::uint64_t memory_budget = 0;           // of running jobs, by estimate; 0: half of what there is
    std::uint64_t worker_memory = 1ULL << 30;  // address space
    seconds worker_cpu{5};                     // per job
    milliseconds process_timeout{10'000};
    milliseconds queue_timeout{5'000};
    unsigned recycle_jobs = 2'000;
    std::uint64_t recycle_memory = 512ULL << 20;
};

// Content codings. The best ones are made in the background.
struct Compression {
    unsigned pause_above = 60;  // percent of all cores that the server uses beside: then the background stands still
    unsigned queue = 10'000;    // works that wait
};

// How a path is treated; the first rule of a site whose `match` fits wins. What is absent keeps the built-in policy.
struct Rule {
    std::string match;  // glob on the normalised path
    std::optional<seconds> browser_ttl;
    std::optional<seconds> edge_ttl;
    bool bypass = false;            // do not store derived representations, answer `no-store`
    std::vector<std::string> tags;  // what is stored for these paths is purged by
    std::vector<std::pair<std::string, std::string>> headers;
};

struct Site {
    std::vector<std::string> hosts = {"*"};  // lower case, without port; "*" or "*.example.org"
    std::string root;
    bool follow_symlinks = false;  // links that lead out of the root
    bool hints = false;            // pages say what to preload
    bool dictionary = false;       // pages share a dictionary that is made of them
    seconds page_deltas{0};        // how long browsers keep pages, and take the next ones as differences to them
    std::vector<Rule> rules;
};

// Limits of protocol-and-limits §2 and §3. Each has a counter of the same name.
struct Http1 {
    std::uint64_t request_line = 8 << 10;   // 414
    std::uint64_t header_bytes = 32 << 10;  // 431
    std::uint64_t field_bytes = 16 << 10;   // 431
    unsigned fields = 100;                  // 431
};
struct Http2 {
    unsigned streams = 128;
    std::uint64_t stream_window = 64 << 10;
    std::uint64_t connection_window = 1 << 20;
    std::uint64_t header_bytes = 32 << 10;
    unsigned fields = 128;
    unsigned continuations = 8;  // frames after a HEADERS
    unsigned requests = 10'000;  // per connection, then a graceful GOAWAY
    unsigned refused = 100;      // requests beyond `streams` in 10 s
    unsigned resets = 200;       // at once; the client's, and ours for its faults
    unsigned resets_per_second = 20;
    unsigned early_resets = 50;  // percent of the streams, of more than `resets`, reset within their first second
    unsigned glitches = 1'000;   // at once: frames that are allowed and of no use
    unsigned glitches_per_second = 100;
    unsigned acknowledgements = 100;  // of PING and SETTINGS, waiting to be sent
};
struct Timeouts {
    milliseconds handshake{10'000};     // TLS, or silence on a new connection
    milliseconds header{15'000};        // a request's header section in total
    milliseconds header_block{10'000};  // an HTTP/2 header block, from HEADERS to END_HEADERS
    milliseconds idle{75'000};
    milliseconds idle_pings{600'000};   // without requests, however many PINGs
    milliseconds write{60'000};         // no progress of a blocked write
    milliseconds stream_write{30'000};  // no progress of a response that its own window blocks
    milliseconds slow_write{30'000};    // then a client must have taken limits.write_rate on average
};
struct Limits {
    unsigned connections = 0;            // 0: 0.8 × the descriptor limit
    unsigned address_connections = 256;  // open, of one IPv4 address or IPv6 /64; 0: any
    unsigned address_rate = 100;         // new per second, of the same; 0: any
    // Who is not counted: balancers without the PROXY protocol, programs of this machine.
    std::vector<Network> address_exempt = {{IpAddress::v4(127, 0, 0, 0), 96 + 8}, {IpAddress::kLoopback, 128}};
    std::uint64_t write_rate = 500;       // bytes per second that a client must take; 0: any
    std::uint64_t memory_file = 1 << 20;  // files up to this size are served from memory
    unsigned catalogue_entries = 200'000;
    unsigned fills = 10'000;  // representations being read from disk or made
};

// One configuration: a value, never changed after it was loaded. Requests hold it through a ConfigPtr until they end.
struct Config {
    Server server;
    Tls tls;
    Cache cache;
    Releases releases;
    Compression compression;
    Dictionaries dictionaries;
    Hints hints;
    Image image;
    std::vector<Site> sites;
    Http1 http1;
    Http2 http2;
    Timeouts timeouts;
    Limits limits;
};

using ConfigPtr = std::shared_ptr<const Config>;

}  // namespace selvage::config
