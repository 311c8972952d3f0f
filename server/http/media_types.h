#pragma once

#include <cstdint>
#include <string_view>

namespace selvage::http {

// What a file is for: decides its default cache policy and CORS fields.
enum class MediaClass : std::uint8_t {
    Html,
    Script,
    Style,
    Font,
    Image,
    Audio,
    Video,     // segments (.ts, .m4s) included
    Playlist,  // HLS and DASH manifests
    Manifest,  // web app manifests
    Data,      // JSON, XML, feeds, wasm, subtitles, plain text, 3D models …
    Document,  // pdf, office files
    Archive,
    Other,  // not in the table
};

enum class Compressible : std::uint8_t { No, Yes, Sample };  // Sample: unknown type, look at the bytes

struct MediaType {
    std::string_view extension;  // lower case, without the dot; "" for the unknown type
    std::string_view type;       // the Content-Type value, "text/html; charset=utf-8"
    MediaClass media_class;
    Compressible compressible;  // static-delivery §3
    std::string_view coding;    // Content-Encoding that the bytes already have: "gzip" for .svgz, else ""
};

// By the extension of the last path segment, case-insensitively; "application/octet-stream" when it is not in the table.
// Never allocates; the row is static.
const MediaType& media_type_of(std::string_view path);

// Worth coding? By the type alone; Sample for a type that is not in the table. `type` may carry parameters.
// For responses whose type did not come from an extension.
Compressible compressible_type(std::string_view type);

}  // namespace selvage::http
