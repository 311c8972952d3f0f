// Modules of any bytes: a specifier is a string of the text, and what is read of a beginning is read of the whole as well.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/hints/module_imports.h"
#include "server/hints/script_tokens.h"

using namespace selvage::hints;

namespace {

void check(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    ScriptTokens tokens(text);
    for (ScriptToken token = tokens.next(); token.kind != ScriptToken::Kind::End; token = tokens.next()) {
        check(token.text.size() <= size);
    }
    check(tokens.next().kind == ScriptToken::Kind::End);
    const auto found = module_imports(text);
    for (const std::string& specifier : found) {
        check(text.find('"' + specifier + '"') != std::string_view::npos ||
              text.find('\'' + specifier + '\'') != std::string_view::npos);
        check(specifier.find_first_of("\\\r\n") == std::string::npos);
    }
    // Nothing that comes later changes what came before.
    const auto more = module_imports(std::string(text) + "\n;`");
    check(more.size() >= found.size() && std::equal(found.begin(), found.end(), more.begin()));
    return 0;
}
