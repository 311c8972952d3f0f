#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace selvage::hints {

// The specifiers of a module's static imports, as written and in order: of `import "a"`, `import x from "a"`,
// `export … from "a"`. Not: import(), imports with attributes (JSON, CSS), specifiers with escapes.
//
// A lexer, not a parser: strings, templates, comments and regular expressions are told from code. Where that cannot be done for
// certain it stops, and what it has found until then is the answer. Any bytes; linear in their size; at most `most`.
// Source: ECMA-262 §12 (lexical grammar), §16.2.2, §16.2.3.
std::vector<std::string> module_imports(std::string_view script, std::size_t most = 1000);

}  // namespace selvage::hints
