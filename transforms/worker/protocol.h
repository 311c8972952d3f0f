#pragma once

// What selvage and selvage-transform say to each other. One AF_UNIX SOCK_SEQPACKET socket, descriptor 3 of the worker, one job at
// a time; both ends are of one build, so the layout is the compiler's own.
//
//   worker → server   Hello                          once, after start
//   server → worker   Job    + 1 descriptor          the source: a sealed memfd (F_SEAL_SHRINK|GROW|WRITE), read by mapping
//   worker → server   Done   + 0 or 1 descriptors    for each order in turn; the output: a memfd that the worker made and sealed;
//                                                    none on failure
//
// The server kills a worker that misses its deadline, whose socket closes, or that says anything else.

#include <cstdint>

#include "base/file_descriptor.h"
#include "base/result.h"
#include "transforms/formats.h"
#include "transforms/order.h"

namespace selvage::transforms::worker {

inline constexpr std::uint32_t kProtocolVersion = 3;
inline constexpr int kSocket = 3;  // the worker's descriptor

// The largest output, in bytes: a worker cannot write more (RLIMIT_FSIZE), the server takes no more. Of 40 megapixels of noise
// with alpha a PNG has 160 MB.
inline constexpr std::uint64_t kMostOutput = std::uint64_t{256} << 20;

struct Hello {
    std::uint32_t version;
    char epoch[32];          // encoder epoch: codecs and their versions, NUL padded; part of every variant's key
    std::uint32_t can_load;  // bit per Format
    std::uint32_t can_save;
};

struct Limits {
    std::uint64_t source_pixels;     // one frame
    std::uint64_t animation_pixels;  // all frames
    std::uint64_t output_pixels;
    std::uint64_t animation_output_pixels;  // all frames
    std::uint64_t upscale_pixels;           // of what was enlarged
    std::uint32_t source_side;
    std::uint32_t output_side;
    std::uint32_t upscale;  // times the source's sides
    std::uint32_t frames;
    std::uint32_t svg_elements;
    std::uint64_t svg_bytes;
    std::uint32_t cpu_seconds;  // RLIMIT_CPU for each order, above what was used so far
};

inline constexpr std::size_t kMostOrders = 16;
inline constexpr std::size_t kPlanText = 4096;  // of all orders; one is 2,048 at most

// An Order, with its plan as text.
struct WireOrder {
    Format format;
    std::uint8_t quality;
    std::uint8_t target;
    ImageEffort effort;
    bool full_chroma;
    std::uint16_t plan_begin;  // canonical(plan), in Job::plans
    std::uint16_t plan_length;
};

// Images to be made of one source, which is decoded once for all of them; the first is answered first.
struct Job {
    std::uint64_t id;
    std::uint64_t source_size;
    Original original;
    Limits limits;
    std::uint32_t order_count;  // 1…kMostOrders
    WireOrder orders[kMostOrders];
    char plans[kPlanText];
};

// The order added to the job. False: there is no room for it.
bool add_order(Job& job, const Order& order, std::string_view plan);

// How far an image was enlarged: as its plan asks, or less, by which of the limits.
enum class Enlarged : std::uint8_t { AsAsked, UpTo, UpToPixels };  // upscale, upscale_pixels

struct Done {
    std::uint64_t id;
    std::uint64_t output_size;                          // 0 on failure
    std::uint32_t order;                                // which one of the job; each is answered once, in turn
    std::uint8_t ok;                                    // 0, or the image is made; not a bool: the server may be sent anything
    Format format;                                      // of the output
    std::uint8_t quality;                               // the encoder's own that was used; 0 where it has none
    ImageEffort effort;                                 // that was used
    Enlarged enlarged;                                  // as far as was asked, or less
    float score;                                        // SSIMULACRA2, when it was measured; else 0
    ErrorKind error;                                    // when !ok: Unprocessable, Unsupported, TooLarge, Internal
    char code[32];                                      // of the Engine's errors; NUL padded
    char detail[256];                                   // for the log
    std::uint32_t source_width, source_height, frames;  // upright
    std::uint32_t width, height;                        // of one output frame
    std::uint32_t decode_us, operate_us, encode_us;     // wall; decode and operate overlap in a lazy pipeline: operate may be 0
    std::uint32_t cpu_us;                               // of the order, user + system; the first one's has the decode in it
    std::uint64_t resident_bytes;                       // of the worker afterwards
    std::uint32_t jobs_done;
};

// One message with at most one descriptor. Blocking or not as the socket is; EAGAIN and ETOOMANYREFS show as Overloaded with code
// "again". Errors: Internal when the peer is gone or the message has another size. A received descriptor is close-on-exec.
template <typename Message>
Result<void> send(int socket, const Message& message, int descriptor = -1);
template <typename Message>
struct Received {
    Message message;
    FileDescriptor descriptor;
};
template <typename Message>
Result<Received<Message>> receive(int socket);

// A memfd named for debugging with these bytes, sealed against any change.
Result<FileDescriptor> sealed_memory(const char* name, std::string_view bytes);

// Errors: Internal when it is not memory sealed against shrinking, or its size is not `size` or
// above kMostOutput.
Result<void> check_sealed(int descriptor, std::uint64_t size);

// The bytes of a sealed memfd. Errors: as above.
Result<std::string> read_sealed(int descriptor, std::uint64_t size);

}  // namespace selvage::transforms::worker
