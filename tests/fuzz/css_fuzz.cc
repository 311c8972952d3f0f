// Style sheets and pages of any bytes: read within their bounds, and a font is only what a sheet names as one.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/hints/css_tokens.h"
#include "server/hints/font_choice.h"
#include "server/hints/gathering.h"
#include "server/hints/page.h"
#include "server/hints/stylesheet.h"

using namespace selvage::hints;

namespace {

void check(bool holds) {
    if (!holds) std::abort();
}

// The tokens are all of the text, in order.
void check_tokens(std::string_view css) {
    CssTokens tokens(css);
    std::size_t at = 0;
    for (CssToken token = tokens.next(); token.kind != CssToken::Kind::End; token = tokens.next()) {
        check(token.begin == at && token.end > at && token.end <= css.size());
        at = token.end;
    }
    check(at == css.size());
}

void check_font(const Stylesheet& sheet, const Stylesheet& other) {
    const PlacedSheet sheets[] = {{.sheet = &sheet, .layered = false}, {.sheet = &other, .layered = true}};
    const auto font = choose_font(sheets);
    if (!font) return;
    const auto& faces = sheets[font->sheet].sheet->faces;
    bool named = false;
    for (const auto& face : faces) named = named || face.url == font->url;
    check(named && !font->url.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_tokens(text);
    const Stylesheet whole = read_stylesheet(text);
    check_font(whole, read_stylesheet(text.substr(size / 2)));
    const Page page = read_page(text);
    for (const Page::Sheet& sheet : page.sheets) check(sheet.url.empty() || sheet.css.empty());
    for (const std::string& url : page.known) {
        const auto target = plain_target(url, "/a/b.html");
        check(!target || (target->starts_with('/') && target->find_first_of("<>\"%\\ ;,\r\n") == std::string::npos));
    }
    return 0;
}
