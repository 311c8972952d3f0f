#include "server/hints/page.h"

#include <catch2/catch.hpp>

#include "server/hints/gathering.h"

using namespace selvage::hints;
using Strings = std::vector<std::string>;

namespace {

Strings sheets(std::string_view html) {
    Strings found;
    for (const auto& sheet : read_page(html).sheets)
        found.push_back(sheet.url.empty() ? "<" + std::string(sheet.css) + ">" : sheet.url);
    return found;
}

Strings entries(std::string_view html) {
    Strings found;
    for (const auto& entry : read_page(html).entries) {
        found.push_back((entry.url.empty() ? "<" + std::string(entry.script) + ">" : entry.url) +
                        (entry.with_credentials ? " +" : ""));
    }
    return found;
}

}  // namespace

SCENARIO("a page says which style sheets it waits for") {  // HTML Standard §4.2.4, §4.2.6
    CHECK(sheets("<link rel=stylesheet href=a.css><LINK HREF='b.css' REL='preload Stylesheet' media=screen>") ==
          Strings{"a.css", "b.css"});
    CHECK(sheets("<style>a{}</style><style media=all type=text/css>b{}</STYLE >") == Strings{"<a{}>", "<b{}>"});
    CHECK(sheets("<style>a{content:'</styles>'}</style>") == Strings{"<a{content:'</styles>'}>"});
    THEN("not those for other times") {
        CHECK(sheets("<link rel=stylesheet media=print href=a.css><link rel='alternate stylesheet' href=b.css>"
                     "<link rel=stylesheet disabled href=c.css><link rel=stylesheet><link rel=icon href=d.css>"
                     "<style media=print>x</style><style type=text/less>y</style>") == Strings{});
    }
    THEN("not those of what is no part of it") {
        CHECK(sheets("<!-- <link rel=stylesheet href=a.css> --><noscript><link rel=stylesheet href=b.css></noscript>"
                     "<template><style>x</style></template><script>'<link rel=stylesheet href=c.css>'</script>"
                     "<title><link rel=stylesheet href=d.css></title><link rel=stylesheet href=e.css>") == Strings{"e.css"});
    }
}

SCENARIO("a page says which modules it starts with") {  // HTML Standard §4.12.1
    CHECK(entries("<script type=module src=a.js></script><script type=module>import 'b'</script><script src=c.js></script>") ==
          Strings{"a.js", "<import 'b'>"});
    CHECK(entries("<script type=MODULE crossorigin=use-credentials src=a.js></script><script type=module crossorigin "
                  "src=b.js></script>") == Strings{"a.js +", "b.js"});
    CHECK(entries("<script type=module src></script><script type=text/plain>x</script><script nomodule src=a.js></script>") ==
          Strings{});
    CHECK(
        read_page("<script src=a.js></script><link rel=modulepreload href=b.js><link rel=preload href=c.woff2 as=font>").known ==
        Strings{"a.js", "b.js", "c.woff2"});
    CHECK(read_page("<script type=importmap>{}</script>").import_map);
    CHECK(read_page("<base target=x><base href=/a/><base href=/b/>").base == "/a/");
}

SCENARIO("a hint has the URL that the browser will ask for, letter by letter") {
    const auto target = [](std::string_view reference) { return plain_target(reference, "/a/b.html").value_or("none"); };
    CHECK(target("c.js") == "/a/c.js");
    CHECK(target("./c.js?v=1#x") == "/a/c.js?v=1");
    CHECK(target("../x/./c-B_1~2.js") == "/x/c-B_1~2.js");
    CHECK(target("/@vite/c+d.js") == "/@vite/c+d.js");
    THEN("where browsers or we might spell it otherwise, there is none") {
        CHECK(target("c%41.js") == "none");
        CHECK(target("c d.js") == "none");
        CHECK(target("[slug].js") == "none");
        CHECK(target("\xC3\xA9.js") == "none");
        CHECK(target("a\\b.js") == "none");
        CHECK(target("a>;b.js") == "none");
        CHECK(target("a,b.js") == "none");
        CHECK(target("a\nb.js") == "none");
    }
    THEN("another site's is none of ours") {
        CHECK(target("https://example.org/c.js") == "none");
        CHECK(target("//example.org/c.js") == "none");
        CHECK(target("data:,x") == "none");
        CHECK(target("") == "none");
        CHECK(target("#x") == "none");
    }
}
