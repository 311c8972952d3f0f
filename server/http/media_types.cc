#include "server/http/media_types.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/fields.h"

namespace selvage::http {
namespace {

using enum MediaClass;
using enum Compressible;

constexpr MediaType kUnknown{"", "application/octet-stream", Other, Sample, ""};

// Sorted by extension (checked when compiled). Types: the IANA registry; what it lacks, as browsers and RFC 9239 (JavaScript)
// expect. Text types say utf-8: what the web is written in, and what a browser would otherwise have to guess.
constexpr auto kTypes = std::to_array<MediaType>({
    {"3gp", "video/3gpp", Video, No, ""},
    {"7z", "application/x-7z-compressed", Archive, No, ""},
    {"aac", "audio/aac", Audio, No, ""},
    {"apk", "application/vnd.android.package-archive", Archive, No, ""},
    {"apng", "image/apng", Image, No, ""},
    {"appcache", "text/cache-manifest; charset=utf-8", Data, Yes, ""},
    {"atom", "application/atom+xml; charset=utf-8", Data, Yes, ""},
    {"avif", "image/avif", Image, No, ""},
    {"avifs", "image/avif", Image, No, ""},
    {"bin", "application/octet-stream", Other, Sample, ""},
    {"bmp", "image/bmp", Image, Yes, ""},
    {"br", "application/x-brotli", Archive, No, ""},
    {"bz2", "application/x-bzip2", Archive, No, ""},
    {"cjs", "text/javascript; charset=utf-8", Script, Yes, ""},
    {"cmaf", "video/mp4", Video, No, ""},
    {"cmfa", "audio/mp4", Audio, No, ""},
    {"cmfv", "video/mp4", Video, No, ""},
    {"css", "text/css; charset=utf-8", Style, Yes, ""},
    {"csv", "text/csv; charset=utf-8", Data, Yes, ""},
    {"cur", "image/x-icon", Image, Yes, ""},
    {"dae", "model/vnd.collada+xml; charset=utf-8", Data, Yes, ""},
    {"deb", "application/vnd.debian.binary-package", Archive, No, ""},
    {"dmg", "application/x-apple-diskimage", Archive, No, ""},
    {"doc", "application/msword", Document, Yes, ""},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", Document, No, ""},
    {"eot", "application/vnd.ms-fontobject", Font, Yes, ""},
    {"epub", "application/epub+zip", Document, No, ""},
    {"flac", "audio/flac", Audio, No, ""},
    {"gemini", "text/gemini; charset=utf-8", Data, Yes, ""},
    {"geojson", "application/geo+json", Data, Yes, ""},
    {"gif", "image/gif", Image, No, ""},
    {"glb", "model/gltf-binary", Data, Yes, ""},
    {"glsl", "text/plain; charset=utf-8", Data, Yes, ""},
    {"gltf", "model/gltf+json", Data, Yes, ""},
    {"gpx", "application/gpx+xml; charset=utf-8", Data, Yes, ""},
    {"graphql", "application/graphql; charset=utf-8", Data, Yes, ""},
    {"gz", "application/gzip", Archive, No, ""},
    {"hdr", "image/vnd.radiance", Image, No, ""},
    {"heic", "image/heic", Image, No, ""},
    {"heif", "image/heif", Image, No, ""},
    {"htm", "text/html; charset=utf-8", Html, Yes, ""},
    {"html", "text/html; charset=utf-8", Html, Yes, ""},
    {"ico", "image/x-icon", Image, Yes, ""},
    {"ics", "text/calendar; charset=utf-8", Data, Yes, ""},
    {"jar", "application/java-archive", Archive, No, ""},
    {"jfif", "image/jpeg", Image, No, ""},
    {"jpe", "image/jpeg", Image, No, ""},
    {"jpeg", "image/jpeg", Image, No, ""},
    {"jpg", "image/jpeg", Image, No, ""},
    {"js", "text/javascript; charset=utf-8", Script, Yes, ""},
    {"json", "application/json", Data, Yes, ""},
    {"json5", "application/json5", Data, Yes, ""},
    {"jsonld", "application/ld+json", Data, Yes, ""},
    {"jxl", "image/jxl", Image, No, ""},
    {"kml", "application/vnd.google-earth.kml+xml", Data, Yes, ""},
    {"kmz", "application/vnd.google-earth.kmz", Archive, No, ""},
    {"ktx", "image/ktx", Image, Yes, ""},
    {"ktx2", "image/ktx2", Image, No, ""},
    {"less", "text/plain; charset=utf-8", Data, Yes, ""},
    {"log", "text/plain; charset=utf-8", Data, Yes, ""},
    {"m3u8", "application/vnd.apple.mpegurl", Playlist, Yes, ""},
    {"m4a", "audio/mp4", Audio, No, ""},
    {"m4s", "video/iso.segment", Video, No, ""},
    {"m4v", "video/mp4", Video, No, ""},
    {"map", "application/json", Data, Yes, ""},
    {"markdown", "text/markdown; charset=utf-8", Data, Yes, ""},
    {"md", "text/markdown; charset=utf-8", Data, Yes, ""},
    {"mid", "audio/midi", Audio, Yes, ""},
    {"midi", "audio/midi", Audio, Yes, ""},
    {"mjs", "text/javascript; charset=utf-8", Script, Yes, ""},
    {"mkv", "video/matroska", Video, No, ""},
    {"mov", "video/quicktime", Video, No, ""},
    {"mp3", "audio/mpeg", Audio, No, ""},
    {"mp4", "video/mp4", Video, No, ""},
    {"mpd", "application/dash+xml", Playlist, Yes, ""},
    {"mpeg", "video/mpeg", Video, No, ""},
    {"mpg", "video/mpeg", Video, No, ""},
    {"mtl", "model/mtl; charset=utf-8", Data, Yes, ""},
    {"obj", "model/obj; charset=utf-8", Data, Yes, ""},
    {"odp", "application/vnd.oasis.opendocument.presentation", Document, No, ""},
    {"ods", "application/vnd.oasis.opendocument.spreadsheet", Document, No, ""},
    {"odt", "application/vnd.oasis.opendocument.text", Document, No, ""},
    {"oga", "audio/ogg", Audio, No, ""},
    {"ogg", "audio/ogg", Audio, No, ""},
    {"ogv", "video/ogg", Video, No, ""},
    {"opus", "audio/ogg", Audio, No, ""},
    {"otf", "font/otf", Font, Yes, ""},
    {"parquet", "application/vnd.apache.parquet", Archive, No, ""},
    {"pbf", "application/x-protobuf", Data, Sample, ""},
    {"pdf", "application/pdf", Document, No, ""},
    {"pmtiles", "application/vnd.pmtiles", Archive, No, ""},
    {"png", "image/png", Image, No, ""},
    {"ppt", "application/vnd.ms-powerpoint", Document, Yes, ""},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation", Document, No, ""},
    {"ps", "application/postscript", Document, Yes, ""},
    {"rar", "application/vnd.rar", Archive, No, ""},
    {"rss", "application/rss+xml; charset=utf-8", Data, Yes, ""},
    {"rtf", "application/rtf", Document, Yes, ""},
    {"shtml", "text/html; charset=utf-8", Html, Yes, ""},
    {"srt", "application/x-subrip; charset=utf-8", Data, Yes, ""},
    {"stl", "model/stl", Data, Yes, ""},
    {"svg", "image/svg+xml", Image, Yes, ""},
    {"svgz", "image/svg+xml", Image, No, "gzip"},
    {"swf", "application/x-shockwave-flash", Other, No, ""},
    {"tar", "application/x-tar", Archive, No, ""},
    {"tgz", "application/gzip", Archive, No, ""},
    {"tif", "image/tiff", Image, No, ""},
    {"tiff", "image/tiff", Image, No, ""},
    {"topojson", "application/topo+json", Data, Yes, ""},
    {"ts", "video/mp2t", Video, No, ""},  // a segment of a stream: TypeScript is not shipped to browsers
    {"tsv", "text/tab-separated-values; charset=utf-8", Data, Yes, ""},
    {"ttc", "font/collection", Font, Yes, ""},
    {"ttf", "font/ttf", Font, Yes, ""},
    {"txt", "text/plain; charset=utf-8", Data, Yes, ""},
    {"usdz", "model/vnd.usdz+zip", Archive, No, ""},
    {"vcf", "text/vcard; charset=utf-8", Data, Yes, ""},
    {"vtt", "text/vtt; charset=utf-8", Data, Yes, ""},
    {"wasm", "application/wasm", Data, Yes, ""},
    {"wav", "audio/wav", Audio, No, ""},
    {"weba", "audio/webm", Audio, No, ""},
    {"webm", "video/webm", Video, No, ""},
    {"webmanifest", "application/manifest+json", Manifest, Yes, ""},
    {"webp", "image/webp", Image, No, ""},
    {"wgsl", "text/wgsl; charset=utf-8", Data, Yes, ""},
    {"woff", "font/woff", Font, No, ""},
    {"woff2", "font/woff2", Font, No, ""},
    {"xht", "application/xhtml+xml", Html, Yes, ""},
    {"xhtml", "application/xhtml+xml", Html, Yes, ""},
    {"xls", "application/vnd.ms-excel", Document, Yes, ""},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Document, No, ""},
    {"xml", "application/xml; charset=utf-8", Data, Yes, ""},
    {"xsd", "application/xml; charset=utf-8", Data, Yes, ""},
    {"xsl", "application/xslt+xml; charset=utf-8", Data, Yes, ""},
    {"xslt", "application/xslt+xml; charset=utf-8", Data, Yes, ""},
    {"xz", "application/x-xz", Archive, No, ""},
    {"yaml", "application/yaml", Data, Yes, ""},
    {"yml", "application/yaml", Data, Yes, ""},
    {"zip", "application/zip", Archive, No, ""},
    {"zst", "application/zstd", Archive, No, ""},
});
static_assert(std::ranges::is_sorted(kTypes, {}, &MediaType::extension));

constexpr std::size_t kLongestExtension =
    std::ranges::max(kTypes, {}, [](const MediaType& row) { return row.extension.size(); }).extension.size();

std::string_view without_parameters(std::string_view type) { return trim(type.substr(0, type.find(';'))); }

}  // namespace

const MediaType& media_type_of(std::string_view path) {
    const std::string_view name = path.substr(path.rfind('/') + 1);
    const std::size_t dot = name.rfind('.');
    if (dot == std::string_view::npos) return kUnknown;
    const std::string_view written = name.substr(dot + 1);
    if (written.size() > kLongestExtension) return kUnknown;

    std::array<char, kLongestExtension> buffer{};
    std::ranges::transform(written, buffer.begin(), to_lower);
    const std::string_view extension(buffer.data(), written.size());
    const auto row = std::ranges::lower_bound(kTypes, extension, {}, &MediaType::extension);
    return row != kTypes.end() && row->extension == extension ? *row : kUnknown;
}

Compressible compressible_type(std::string_view type) {
    const std::string_view essence = without_parameters(type);
    for (const MediaType& row : kTypes) {
        if (row.coding.empty() && equals_ignoring_case(without_parameters(row.type), essence)) return row.compressible;
    }
    if (essence.size() > 5 && equals_ignoring_case(essence.substr(0, 5), "text/")) return Yes;
    if (essence.ends_with("+json") || essence.ends_with("+xml")) return Yes;
    return Sample;
}

}  // namespace selvage::http
