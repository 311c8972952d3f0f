#include "server/hints/stylesheet.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "server/hints/font_choice.h"
#include "server/hints/selector.h"

using namespace selvage::hints;

namespace {

// The URL of the font that a page with these sheets will load for its text; "" when that is not certain.
std::string font(const std::vector<std::string>& sheets) {
    std::vector<Stylesheet> read;
    for (const std::string& css : sheets) read.push_back(read_stylesheet(css));
    std::vector<PlacedSheet> placed;
    for (const Stylesheet& sheet : read) placed.push_back({.sheet = &sheet});
    const auto chosen = choose_font(placed);
    return chosen ? chosen->url : "";
}
std::string font(const std::string& css) { return font(std::vector{css}); }

const std::string kInter = "@font-face{font-family:Inter;src:url(i.woff2)}";

}  // namespace

SCENARIO("the font of a page's text is the one of its first family") {
    CHECK(font(kInter + "body{font-family:Inter,sans-serif}") == "i.woff2");
    CHECK(font(kInter + "html, :host { font-family: \"inter\" , x }") == "i.woff2");
    CHECK(font(kInter + ":root{font-family:Inter}") == "i.woff2");
    CHECK(font(kInter + "*{font-family:Inter}") == "i.woff2");
    CHECK(font(kInter + "html body{font-family:Inter}") == "i.woff2");
    CHECK(font("body{font-family:Open  Sans}@font-face{src:url('o.woff2');font-family:'Open Sans'}") == "o.woff2");
    CHECK(font(kInter + "BODY{FONT-FAMILY:INTER}") == "i.woff2");
    THEN("no family, no font") {
        CHECK(font(kInter) == "");
        CHECK(font(kInter + "h1{font-family:Inter}") == "");
        CHECK(font(kInter + ".body,#body,body p,body *>a{font-family:Inter}") == "");
        CHECK(font(kInter + "body::before,body:after{font-family:Inter}") == "");
        CHECK(font("body{font-family:Inter}") == "");
    }
    THEN("a family that is there already keeps the others from being loaded") {
        CHECK(font(kInter + "body{font-family:system-ui,Inter}") == "");
        CHECK(font(kInter + "body{font-family:Arial,Inter}") == "");
    }
    THEN("<body> has its own, else that of <html>; the last rule counts") {
        const std::string two = kInter + "@font-face{font-family:B;src:url(b.woff2)}";
        CHECK(font(two + "body{font-family:B}html{font-family:Inter}") == "b.woff2");
        CHECK(font(two + "body{font-family:B}body{font-family:Inter}") == "i.woff2");
        CHECK(font(two + "body{font-family:inherit}html{font-family:Inter}") == "i.woff2");
        CHECK(font(two + "*{font-family:Inter}body{font-family:B}") == "");
        CHECK(font({two + "body{font-family:B}", "body{font-family:Inter}"}) == "i.woff2");
    }
    THEN("what is in no layer wins") {
        const std::string two = kInter + "@font-face{font-family:B;src:url(b.woff2)}";
        CHECK(font(two + "body{font-family:B}@layer base{body{font-family:Inter}}") == "b.woff2");
        CHECK(font(two + "@layer a,b;@layer base{html,:host{font-family:Inter}}") == "i.woff2");
    }
}

SCENARIO("the shorthand names a family too") {  // CSS Fonts 4 §2.7
    CHECK(font(kInter + "body{font:16px/1.5 Inter,sans-serif}") == "i.woff2");
    CHECK(font(kInter + "body{font:italic small-caps 1rem Inter}") == "i.woff2");
    CHECK(font(kInter + "body{font:medium/normal \"Inter\"}") == "i.woff2");
    CHECK(font(kInter + "body{font:clamp(1rem,2vw,3rem)/calc(1 + .5) Inter}") == "i.woff2");
    CHECK(font(kInter + "body{font:inherit}") == "");
    CHECK(font(kInter + "body{font:menu}") == "");
    CHECK(font(kInter + "html{font-family:Inter}body{font:inherit}") == "i.woff2");
}

SCENARIO("variables stand for their values") {
    CHECK(font(kInter + ":root{--f:Inter,x}body{font-family:var(--f)}") == "i.woff2");
    CHECK(font(kInter + ":root{--a:var( --b );--b: 'Inter'}body{font-family:var(--a),serif}") == "i.woff2");
    CHECK(font(kInter + "html{font-family:var(--none, Inter, x)}") == "i.woff2");
    CHECK(font(kInter + "@layer theme{:root,:host{--s:Inter}}@layer base{html{font-family:var(--d,var(--s))}}") == "i.woff2");
    CHECK(font(kInter + "body{font:400 1rem var(--f)}:root{--f:Inter}") == "i.woff2");
    THEN("unless nobody knows which") {
        CHECK(font(kInter + "body{font-family:var(--none)}") == "");
        CHECK(font(kInter + ":root{--f:var(--f)}body{font-family:var(--f)}") == "");
        CHECK(font(kInter + ":root{--f:Inter}:root[data-x]{--f:B}body{font-family:var(--f)}") == "");
        CHECK(font(kInter + ":root{--f:Inter}@media(width>1px){:root{--f:B}}body{font-family:var(--f)}") == "");
        std::string bomb = ":root{";
        for (char c = 'b'; c <= 'z'; ++c) {
            const char before = static_cast<char>(c - 1);
            bomb += fmt::format("--{}:var(--{}) var(--{});", c, before, before);
        }
        CHECK(font(kInter + bomb + "--a:xxxxxxxxxxxxxxxxxxxxxxxxx}body{font-family:var(--z)}") == "");
        CHECK(font(kInter + bomb + "--a:xxxxxxxxxxxxxxxxxxxxxxxxx}body{font-family:var(--h)}") == "");
    }
}

SCENARIO("a rule that may not hold makes the font uncertain, if it says something else") {
    const std::string text = kInter + "body{font-family:Inter}";
    CHECK(font(text + "@media print{body{font-family:serif}}") == "i.woff2");
    CHECK(font(text + "@media screen{body{font-family:Inter}}") == "i.woff2");
    CHECK(font(text + "@media (min-width:1px){body{font-family:Inter,Arial}}") == "i.woff2");
    CHECK(font(text + "@media (min-width:1px){body{color:red}}") == "i.woff2");
    CHECK(font(text + "@media (min-width:1px){body{font-family:B}}") == "");
    CHECK(font(text + "@supports(font-variation-settings:normal){html{font-family:'Inter var'}}") == "");
    CHECK(font(text + "body.serif{font-family:Lora}") == "");
    CHECK(font(text + "html[lang=ja] body{font-family:B}") == "");
    CHECK(font(text + "body{font-family:B!important}") == "");
    CHECK(font(kInter + "@media (min-width:1px){body{font-family:Inter}}") == "");
}

SCENARIO("the face is the one for upright letters of the text's weight") {
    const std::string body = "body{font-family:A}";
    const auto face = [](const std::string& more) { return "@font-face{font-family:A;" + more + "}"; };
    CHECK(font(body + face("src:url(b.woff2);font-weight:700") + face("src:url(r.woff2);font-weight:400")) == "r.woff2");
    CHECK(font(body + face("src:url(i.woff2);font-style:italic") + face("src:url(v.woff2);font-weight:100 900")) == "v.woff2");
    CHECK(font(body + "body{font-weight:700}" + face("src:url(b.woff2);font-weight:bold") + face("src:url(r.woff2)")) ==
          "b.woff2");
    CHECK(font("body{font:300 1em A}" + face("src:url(l.woff2);font-weight:300") + face("src:url(r.woff2)")) == "l.woff2");
    CHECK(font(body + face("src:url(only.woff2);font-weight:500")) == "only.woff2");
    CHECK(font(body + face("src:url(a.woff2);font-weight:300") + face("src:url(b.woff2);font-weight:500")) == "");
    CHECK(font(body + face("src:url(a.woff2)") + face("src:url(b.woff2)")) == "");
    CHECK(font(body + "body{font-weight:var(--w)}" + face("src:url(a.woff2)")) == "");
    THEN("it has Latin letters") {  // CSS Syntax 3 §7.1
        CHECK(font(body + face("src:url(c.woff2);unicode-range:U+0400-045F,U+0490") +
                   face("src:url(l.woff2);unicode-range:U+0000-00FF, U+0131")) == "l.woff2");
        CHECK(font(body + face("src:url(l.woff2);unicode-range:u+00??")) == "l.woff2");
        CHECK(font(body + face("src:url(l.woff2);unicode-range:U+26")) == "");
        CHECK(font(body + face("src:url(l.woff2);unicode-range:U+,U+z,61")) == "");
    }
}

SCENARIO("the source is the first that a browser takes, and a WOFF2") {  // CSS Fonts 4 §4.3
    const auto source = [](const std::string& src) { return font("body{font-family:A}@font-face{font-family:A;" + src + "}"); };
    CHECK(source("src:url(a.woff2)format('woff2'),url(a.woff)format('woff')") == "a.woff2");
    CHECK(source("src:url( \"a.woff2?v=3\" )") == "a.woff2?v=3");
    CHECK(source("src:url(a.eot);src:url('a.eot?#iefix')format('embedded-opentype'),url(a.woff2)format('woff2')") == "a.woff2");
    CHECK(source("src:url(a.bin)format(woff2) tech(variations)") == "a.bin");
    CHECK(source("src:url(a.woff2)format('woff2-variations')") == "a.woff2");
    CHECK(source("src:url(a\\.woff2)") == "a.woff2");
    CHECK(font("body{font-family:A}@font-face{font-family:A;src:url(a.woff2") == "a.woff2");  // CSS Syntax 3 §4.3.6
    THEN("none when another may be taken") {
        CHECK(source("src:local('A'),url(a.woff2)") == "");
        CHECK(source("src:url(a.woff),url(a.woff2)") == "");
        CHECK(source("src:url(a.ttf)") == "");
        CHECK(source("src:url(a.woff2)format('woff2')tech(color-COLRv1)") == "");
        CHECK(source("src:url(a.woff2) format(\"woff2\", \"x\")") == "");
        CHECK(source("src:src('a.woff2')") == "");
        CHECK(source("src:") == "");
    }
    THEN("a font within the sheet is no hint") {
        CHECK(source("src:url(data:font/woff2;base64," + std::string(5000, 'A') + ")") == "");
    }
}

SCENARIO("comments, strings and escapes are not rules") {
    const std::string body = "body{font-family:Inter}";
    CHECK(font("/*" + kInter + "*/" + body) == "");
    CHECK(font("a{content:'" + kInter + "'}" + body) == "");
    CHECK(font("a{b:url(" + kInter + ")}" + body) == "");
    CHECK(font(kInter + "a{content:\"}\";x:'\\'}'}" + body) == "i.woff2");
    CHECK(font(kInter + "a{content:\"never closed\n}" + body) == "i.woff2");
    CHECK(font(kInter + "/* } */ /**/" + body + "/* open") == "i.woff2");
    CHECK(font(kInter + "a{b:[}]}" + body) == "i.woff2");
    CHECK(font(kInter + "a{b:c;{d:e}}" + body) == "i.woff2");
    CHECK(font(kInter + "a{&:hover{font-family:x}b{c:d}}" + body) == "i.woff2");
    CHECK(font(kInter + "body{color:red;&.x{font-family:B}font-family:Inter}") == "i.woff2");
    CHECK(font(kInter + "\\62 ody{font-family:Inter}") == "i.woff2");
    CHECK(font("@\\66ont-face{font-family:I\\6eter;src:url(i.woff2)}" + body) == "i.woff2");
    CHECK(font(kInter + "body{font-family:I\\nter}") == "i.woff2");
    CHECK(font(kInter + "body/**/{/**/font-family/**/:/**/Inter/**/}") == "i.woff2");
    CHECK(font("<!-- " + kInter + body + " -->") == "i.woff2");
    CHECK(font("\xEF\xBB\xBF" + kInter + body) == "i.woff2");
    CHECK(font("@charset \"utf-8\";@unknown{" + body + "}" + kInter) == "");
    CHECK(font(kInter + "}" + body) == "");  // a stray '}' spoils the selector: CSS Syntax 3 §5.4.3
    CHECK(font(kInter + "body{font-family:Inter") == "i.woff2");
}

SCENARIO("imports come first, and only for screens") {  // CSS Cascade 5 §2
    const auto imports = [](std::string_view css) {
        std::string all;
        const Stylesheet sheet = read_stylesheet(css);
        for (const auto& import : sheet.imports) all += import.url + (import.layered ? " layered " : " ");
        return all + (sheet.unsure ? "unsure" : "");
    };
    CHECK(imports("@charset 'x';@layer a;@import 'a.css';@import url(b.css)screen;@import url('c.css') layer(x);") ==
          "a.css b.css c.css layered ");
    CHECK(imports("a{}@import 'a.css';") == "");
    CHECK(imports("@import 'a.css' print;") == "");
    CHECK(imports("@import 'a.css' (min-width:1px);") == "a.css unsure");
    CHECK(imports("@import 'a.css' supports(x:y);") == "a.css unsure");
    CHECK(imports("/*@import 'a.css';*/@import;@import x;@import 'b.css'") == "b.css ");
}

SCENARIO("selectors say whom a rule is for") {
    const auto count = [](std::string_view selectors) { return subjects_of(selectors).size(); };
    CHECK(subjects_of("body") == std::vector<Subject>{{Stylesheet::Element::Body, true}});
    CHECK(subjects_of("html > body") == std::vector<Subject>{{Stylesheet::Element::Body, true}});
    CHECK(subjects_of("body:not(.a, b)") == std::vector<Subject>{{Stylesheet::Element::Body, false}});
    CHECK(subjects_of("a, [x=','], :root") == std::vector<Subject>{{Stylesheet::Element::Root, true}});
    CHECK(count(":is(html, body), body-x, htmlx, *|a, ::before, :host, .a *, a[b=body], a:is(x, body)") == 0);
    CHECK(count("") == 0);
    CHECK(count(" , ,>> body") == 1);
}

SCENARIO("a sheet that has more than anybody needs is not trusted") {
    std::string variables = kInter + "body{font-family:Inter}:root{";
    for (int i = 0; i < 3000; ++i) variables += "--v" + std::to_string(i) + ":" + std::string(40, 'x') + ";";
    CHECK(font(variables + "}") == "");
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += "@media all{";
    CHECK(font(deep + kInter) == "");
    CHECK(font(std::string(300'000, '(') + kInter) == "");
    CHECK(font(std::string(300'000, '{') + kInter) == "");
    CHECK(font(std::string(300'000, '\\')) == "");
}
