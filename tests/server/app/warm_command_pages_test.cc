#include "server/warm_command_pages.h"

#include <catch2/catch.hpp>

#include "base/reference.h"
#include "server/warm_command_log.h"

using namespace selvage::server;
using selvage::own_target;
using Strings = std::vector<std::string>;

namespace {

Strings images(std::string_view html) { return images_of_page(html).references; }

}  // namespace

SCENARIO("a page says which images it shows") {
    CHECK(images("<IMG SRC=a.jpg alt='x > y'><img src = \"b.jpg\" ><img src='c d.jpg'/>") ==
          Strings{"a.jpg", "b.jpg", "c d.jpg"});
    CHECK(images("<img src='/a.jpg?w=1&amp;q=2&#38;v=&#x33;'>") == Strings{"/a.jpg?w=1&q=2&v=3"});
    CHECK(images("<picture><source srcset='a.avif 1x, b.avif 2x'><img src=c.jpg srcset=d.jpg></picture>") ==
          Strings{"a.avif", "b.avif", "c.jpg", "d.jpg"});
    CHECK(images("<link rel=preload as=image href=a.jpg imagesrcset='b.jpg 2x'><link rel=icon href=i.png>") ==
          Strings{"b.jpg", "a.jpg", "i.png"});
    CHECK(images("<video poster=p.jpg><input type=image src=i.png><svg><image href=s.png></svg>") ==
          Strings{"p.jpg", "i.png", "s.png"});
    CHECK(images("<img data-src=lazy.jpg data-srcset='l1.jpg 1x'>") == Strings{"lazy.jpg", "l1.jpg"});
    THEN("styles show images too") {
        CHECK(images("<p style=\"background:URL( 'a.jpg?w=3' ), url(b.png)\">") == Strings{"a.jpg?w=3", "b.png"});
        CHECK(images("<style>@font-face{src:url(f.woff2)} a{b:url(c.webp)}</style>") == Strings{"c.webp"});
    }
    THEN("what is no markup shows none") {
        CHECK(images("<!-- <img src=a.jpg> --><script>'<img src=b.jpg>'</script><title><img src=c.jpg></title>") == Strings{});
        CHECK(images("<link rel=stylesheet href=a.css><link rel=preload as=font href=f.woff2><a href=b.jpg>") == Strings{});
    }
    THEN("a page that ends too soon is read as far as it goes") {
        CHECK(images("<img src=a.jpg><img src='b.jpg") == Strings{"a.jpg", "b.jpg"});
        CHECK(images("<img src=a.jpg><!-- <img src=b.jpg>") == Strings{"a.jpg"});
        CHECK(images("<img src=a.jpg") == Strings{"a.jpg"});
    }
    CHECK(images_of_page("<base href=/sub/><img src=a.jpg>").base == "/sub/");
}

SCENARIO("a srcset is a list of URLs with descriptors") {  // HTML Standard §4.8.4.2.1
    CHECK(urls_of_srcset("a.jpg 1x, b.jpg 2x") == Strings{"a.jpg", "b.jpg"});
    CHECK(urls_of_srcset(" a.jpg , b.jpg,\n c.jpg 100w ") == Strings{"a.jpg", "b.jpg", "c.jpg"});
    CHECK(urls_of_srcset("a,b.jpg?g=0.5,0.5 1x,, c.jpg") == Strings{"a,b.jpg?g=0.5,0.5", "c.jpg"});
    CHECK(urls_of_srcset("a.jpg future(1, 2) 1x, b.jpg") == Strings{"a.jpg", "b.jpg"});
    CHECK(urls_of_srcset(" , ,") == Strings{});
}

SCENARIO("a reference on a page is a request to this site, or none") {  // RFC 3986 §5.2
    const Strings hosts = {"example.org", "127.0.0.1:8080"};
    const auto target = [&](std::string_view reference) {
        return own_target(reference, "/blog/page.html?x=1", hosts).value_or("another site's");
    };
    CHECK(target("/a.jpg?w=320") == "/a.jpg?w=320");
    CHECK(target(" a.jpg#top ") == "/blog/a.jpg");
    CHECK(target("../a.jpg") == "/a.jpg");
    CHECK(target("../../../a.jpg") == "/a.jpg");
    CHECK(target("https://Example.org/a.jpg?w=1") == "/a.jpg?w=1");
    CHECK(target("//127.0.0.1:8080/a.jpg") == "/a.jpg");
    THEN("it stands in a request line as it is") {
        CHECK(target("/a b.jpg?w=1&v=\xc3\xa9 \"") == "/a%20b.jpg?w=1&v=%C3%A9%20%22");
        CHECK(target("/a%20b.jpg") == "/a%20b.jpg");
        CHECK(target("/a\r\nHost: x") == "another site's");
    }
    THEN("others are left alone") {
        CHECK(target("https://elsewhere.org/a.jpg") == "another site's");
        CHECK(target("//elsewhere.org/a.jpg") == "another site's");
        CHECK(target("data:image/png;base64,AAAA") == "another site's");
        CHECK(target("blob:https://example.org/1") == "another site's");
        CHECK(target("") == "another site's");
    }
}

SCENARIO("an access log says what was asked for") {
    const auto target = [](std::string_view line) {
        const auto asked = parse_log_line(line);
        return asked ? asked->host + asked->target : std::string("nothing");
    };
    CHECK(target(R"({"time":"t","method":"GET","host":"example.org","target":"/a.jpg?w=1","status":200,"bytes":1})") ==
          "example.org/a.jpg?w=1");
    CHECK(target(R"(1.2.3.4 - bob [20/Nov/2026:13:55:01 +0000] "GET /a.jpg?w=1 HTTP/1.1" 200 2326)") == "/a.jpg?w=1");
    CHECK(target(R"(::1 - - [20/Nov/2026:13:55:01 +0000] "GET /a.jpg HTTP/2.0" 304 0 "https://example.org/" "Mozilla/5.0")") ==
          "/a.jpg");
    THEN("only what was answered well, and only as it may be asked again") {
        CHECK(target(R"({"method":"GET","host":"e","target":"/a.jpg","status":404})") == "nothing");
        CHECK(target(R"({"method":"POST","host":"e","target":"/a.jpg","status":200})") == "nothing");
        CHECK(target(R"({"method":"GET","host":"e","target":"/a b.jpg","status":200})") == "nothing");
        CHECK(target(R"({"method":"GET","host":"e\r\nX: y","target":"/a.jpg","status":200})") == "nothing");
        CHECK(target(R"(1.2.3.4 - - [t] "GET /a.jpg HTTP/1.1" 500 0)") == "nothing");
        CHECK(target(R"(1.2.3.4 - - [t] "HEAD /a.jpg HTTP/1.1" 200 0)") == "nothing");
        CHECK(target(R"(1.2.3.4 - - [t] "GET http://x/ HTTP/1.1" 200 0)") == "nothing");
        CHECK(target("{ torn") == "nothing");
        CHECK(target("") == "nothing");
    }
}
