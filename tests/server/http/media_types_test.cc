#include "server/http/media_types.h"

#include <catch2/catch.hpp>

using namespace selvage::http;

SCENARIO("an extension says what a file is") {
    const auto type = [](std::string_view path) { return media_type_of(path).type; };
    CHECK(type("/index.html") == "text/html; charset=utf-8");
    CHECK(type("/a/b.min.js") == "text/javascript; charset=utf-8");
    CHECK(type("/a.mjs") == "text/javascript; charset=utf-8");
    CHECK(type("/a.css") == "text/css; charset=utf-8");
    CHECK(type("/a.js.map") == "application/json");
    CHECK(type("/a.wasm") == "application/wasm");
    CHECK(type("/a.woff2") == "font/woff2");
    CHECK(type("/a.svg") == "image/svg+xml");
    CHECK(type("/a.avif") == "image/avif");
    CHECK(type("/a.jxl") == "image/jxl");
    CHECK(type("/a.m3u8") == "application/vnd.apple.mpegurl");
    CHECK(type("/a.ts") == "video/mp2t");
    CHECK(type("/site.webmanifest") == "application/manifest+json");
    CHECK(type("/PHOTO.JPG") == "image/jpeg");
    THEN("and what is not known is bytes") {
        for (const char* path :
             {"/", "", "/README", "/a.unknown", "/a.", "/folder.html/file", "/a.averyveryverylongextension", "/.js/x"}) {
            INFO(path);
            CHECK(type(path) == "application/octet-stream");
            CHECK(media_type_of(path).compressible == Compressible::Sample);
        }
    }
}

SCENARIO("what is coded and what never is") {  // static-delivery §3
    for (const char* name :
         {"a.html", "a.css",  "a.js",   "a.mjs", "a.json", "a.jsonld", "a.geojson", "a.map",        "a.topojson",
          "a.xml",  "a.rss",  "a.atom", "a.svg", "a.wasm", "a.ttf",    "a.otf",     "a.ttc",        "a.eot",
          "a.ico",  "a.bmp",  "a.csv",  "a.tsv", "a.md",   "a.yaml",   "a.vtt",     "a.srt",        "a.m3u8",
          "a.mpd",  "a.gltf", "a.glb",  "a.obj", "a.stl",  "a.ktx",    "a.txt",     "a.webmanifest"}) {
        INFO(name);
        CHECK(media_type_of(name).compressible == Compressible::Yes);
    }
    for (const char* name : {"a.woff", "a.woff2", "a.jpg", "a.png", "a.gif", "a.webp", "a.avif", "a.heic", "a.jxl", "a.mp4",
                             "a.webm", "a.mp3",   "a.zip", "a.gz",  "a.br",  "a.zst",  "a.7z",   "a.docx", "a.pdf", "a.svgz"}) {
        INFO(name);
        CHECK(media_type_of(name).compressible == Compressible::No);
    }
    CHECK(media_type_of("/a.svgz").coding == "gzip");
}

SCENARIO("a type alone says whether it is worth coding") {
    CHECK(compressible_type("text/html; charset=iso-8859-1") == Compressible::Yes);
    CHECK(compressible_type("Application/JSON") == Compressible::Yes);
    CHECK(compressible_type("application/vnd.api+json") == Compressible::Yes);
    CHECK(compressible_type("text/x-unheard-of") == Compressible::Yes);
    CHECK(compressible_type("image/svg+xml") == Compressible::Yes);
    CHECK(compressible_type("image/jpeg") == Compressible::No);
    CHECK(compressible_type("application/x-unheard-of") == Compressible::Sample);
}
