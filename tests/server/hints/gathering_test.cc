#include "server/hints/gathering.h"

#include <catch2/catch.hpp>

#include "tests/server/hints/fake_site.h"

using namespace selvage;
using Strings = std::vector<std::string>;

namespace {

struct House {
    // The Link fields of a page.
    Strings links(const std::string& html, const std::string& path = "/index.html") {
        site.write(path, html);
        Strings found;
        for (const hints::Hint& hint : gathering.hints_of(site, *site.files[path], limits, SteadyTime{})) {
            found.push_back(hints::link_value(hint));
        }
        return found;
    }

    testing::FakeSite site;
    config::Hints limits;
    http::Counters counters;
    hints::Gathering gathering{counters};
};

std::string module_link(const std::string& path) { return "<" + path + ">; rel=modulepreload"; }
std::string font_link(const std::string& path) {
    return "<" + path + ">; rel=preload; as=font; type=\"font/woff2\"; crossorigin";
}

constexpr auto kEntry = "<script type=module src=/js/main.js></script>";

}  // namespace

SCENARIO("a page says early which modules its modules import") {  // static-delivery §8
    House house;
    house.site.write("/js/main.js", "import './a.js'; import '../lib/b.js'; import('./lazy.js'); import 'react'");
    house.site.write("/js/a.js", "import './c.js'; export * from '/lib/b.js'");
    house.site.write("/js/c.js", "import './main.js'");
    house.site.write("/lib/b.js", "");
    house.site.write("/js/lazy.js", "");
    CHECK(house.links(kEntry) == Strings{module_link("/js/a.js"), module_link("/lib/b.js"), module_link("/js/c.js")});
    THEN("also those of an inline module, relative to the page") {
        CHECK(house.links("<script type=module>import './a.js'</script>", "/js/x.html") ==
              Strings{module_link("/js/a.js"), module_link("/js/c.js"), module_link("/lib/b.js"), module_link("/js/main.js")});
    }
    THEN("relative to <base>") {
        CHECK(house.links("<base href=/js/><script type=module src=c.js></script>") ==
              Strings{module_link("/js/main.js"), module_link("/js/a.js"), module_link("/lib/b.js")});
        CHECK(house.links("<base href=https://cdn.example/><script type=module src=/js/main.js></script>") == Strings{});
    }
    THEN("not what the preload scanner sees itself, but what that imports") {
        CHECK(house.links(std::string(kEntry) + "<link rel=modulepreload href=js/a.js><script src=/lib/b.js></script>") ==
              Strings{module_link("/js/c.js")});
    }
    THEN("nothing when an import map gives specifiers another meaning") {
        CHECK(house.links(std::string("<script type=importmap>{}</script>") + kEntry) == Strings{});
    }
    THEN("with the credentials with which the page asks") {
        CHECK(house.links("<script type=module crossorigin=use-credentials src=/js/c.js></script>").front() ==
              "</js/main.js>; rel=modulepreload; crossorigin=use-credentials");
    }
}

SCENARIO("only what the site has is a hint, and six at most") {
    House house;
    house.site.write("/js/main.js",
                     "import './gone.js'; import './x.css'; import 'https://elsewhere.org/y.js'; import './z%41.js'");
    house.site.write("/js/x.css", "");
    CHECK(house.links(kEntry) == Strings{});
    std::string many;
    for (int i = 0; i < 20; ++i) {
        many += "import './" + std::to_string(i) + ".js';";
        house.site.write("/js/" + std::to_string(i) + ".js", "");
    }
    house.site.write("/js/main.js", many);
    CHECK(house.links(kEntry).size() == 6);
    CHECK(house.links(kEntry)[5] == module_link("/js/5.js"));
}

SCENARIO("a page says early which font its style sheets will want") {
    House house;
    house.site.write("/css/a.css", "@font-face{font-family:Inter;src:url(../fonts/i.woff2)} body{font-family:Inter}");
    house.site.write("/fonts/i.woff2", "wOF2");
    CHECK(house.links("<link rel=stylesheet href=css/a.css>") == Strings{font_link("/fonts/i.woff2")});
    THEN("before the modules, which then are five") {
        house.site.write("/js/main.js",
                         "import './1.js';import './2.js';import './3.js';import './4.js';import './5.js';import './6.js'");
        for (const char* name : {"1", "2", "3", "4", "5", "6"}) house.site.write(std::string("/js/") + name + ".js", "");
        const Strings links = house.links(std::string("<link rel=stylesheet href=css/a.css>") + kEntry);
        CHECK(links.size() == 6);
        CHECK(links.front() == font_link("/fonts/i.woff2"));
    }
    THEN("also by inline styles and imported sheets, in the cascade's order") {
        CHECK(house.links("<style>@font-face{font-family:Inter;src:url(/fonts/i.woff2)}html{font-family:Inter}</style>") ==
              Strings{font_link("/fonts/i.woff2")});
        house.site.write("/b.css", "@import 'css/a.css';");
        CHECK(house.links("<link rel=stylesheet href=b.css>") == Strings{font_link("/fonts/i.woff2")});
        house.site.write("/b.css", "@import 'css/a.css'; body{font-family:Lora}");
        CHECK(house.links("<link rel=stylesheet href=b.css>") == Strings{});
    }
    THEN("not when a sheet cannot be read, or the font is not there") {
        CHECK(house.links("<link rel=stylesheet href=css/a.css><link rel=stylesheet href=https://elsewhere.org/b.css>") ==
              Strings{});
        CHECK(house.links("<link rel=stylesheet href=css/a.css><link rel=stylesheet href=gone.css>") == Strings{});
        house.site.files.erase("/fonts/i.woff2");
        CHECK(house.links("<link rel=stylesheet href=css/a.css>") == Strings{});
    }
    THEN("not when the markup has it") {
        CHECK(house.links("<link rel=preload as=font crossorigin href=/fonts/i.woff2><link rel=stylesheet href=css/a.css>") ==
              Strings{});
    }
    THEN("sheets that import each other are read once each") {
        house.site.write("/b.css", "@import 'c.css';");
        house.site.write("/c.css", "@import 'b.css';");
        CHECK(house.links("<link rel=stylesheet href=b.css>") == Strings{});
    }
}

SCENARIO("what a site has is read within limits, and once per content") {
    House house;
    house.site.write("/js/main.js", "import './a.js'");
    house.site.write("/js/a.js", "import './b.js'");
    house.site.write("/js/b.js", "");
    CHECK(house.links(kEntry).size() == 2);
    house.site.reads = 0;
    CHECK(house.links(kEntry).size() == 2);
    CHECK(house.site.reads == 1);  // the page
    THEN("a file that is too large is not read") {
        house.limits.file_bytes = 1000;
        house.site.write("/js/a.js", "import './b.js';" + std::string(1000, ' '));
        CHECK(house.links(kEntry) == Strings{module_link("/js/a.js")});
        CHECK(house.counters.value(http::LimitHit::HintsFileBytes) == 1);
        CHECK(house.links(std::string(1001, ' ') + kEntry) == Strings{});
    }
    THEN("of a large graph only its beginning") {
        for (int i = 0; i < 100; ++i) {
            house.site.write("/m/" + std::to_string(i) + ".js", "import './" + std::to_string(i + 1) + ".js'");
        }
        std::string known = "<script type=module src=/m/0.js></script>";
        for (int i = 1; i < 50; ++i) known += "<link rel=modulepreload href=/m/" + std::to_string(i) + ".js>";
        house.limits.files = 10;
        CHECK(house.links(known) == Strings{});
        CHECK(house.counters.value(http::LimitHit::HintsFiles) == 1);
    }
}
