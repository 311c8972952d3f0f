#include "server/hints/module_imports.h"

#include <utility>

#include "server/hints/script_tokens.h"

namespace selvage::hints {

namespace {

using Kind = ScriptToken::Kind;

class Module {
public:
    Module(std::string_view script, std::size_t most) : tokens_(script), most_(most) {}

    std::vector<std::string> read() {
        advance();
        while (token_.kind != Kind::End && found_.size() < most_) {
            const bool starts = token_.depth == 0 && !behind_dot_;
            if (starts && token_.is("import")) {
                advance();
                read_import();
            } else if (starts && token_.is("export")) {
                advance();
                read_export();
            } else {
                advance();
            }
        }
        return std::move(found_);
    }

private:
    void advance() {
        behind_dot_ = token_.is('.');
        token_ = tokens_.next();
    }

    void stop() { token_ = {}; }  // not what a module may have: nothing after it is believed

    void read_import() {
        if (token_.is('(') || token_.is('.')) return;  // import(), import.meta
        if (token_.kind == Kind::String) return read_specifier();
        read_clause();
    }

    // `* from "a"`, `{ x } from "a"`, `{ x }`; or a declaration.
    void read_export() {
        if (token_.is('*')) return read_clause();
        if (!token_.is('{')) return;
        while (!(token_.is('}') && token_.depth == 1)) {
            if (!stands_in_clause()) return stop();
            advance();
        }
        advance();
        if (!token_.is("from")) return;
        advance();
        token_.kind == Kind::String ? read_specifier() : stop();
    }

    // `x, { y as z } from "a"`.
    void read_clause() {
        while (stands_in_clause()) {
            const bool from = token_.depth == 0 && token_.is("from");
            advance();
            if (from && token_.kind == Kind::String) return read_specifier();
        }
        stop();
    }

    bool stands_in_clause() const {
        if (token_.kind == Kind::Word || (token_.kind == Kind::String && token_.depth > 0)) return true;
        return token_.is('{') || token_.is('}') || token_.is(',') || token_.is('*');
    }

    void read_specifier() {
        const std::string_view specifier = token_.text;
        advance();
        if (token_.depth == 0 && (token_.is("with") || token_.is("assert"))) {
            advance();
            if (token_.is('{')) return;  // no script
        }
        if (specifier.find('\\') == std::string_view::npos) found_.emplace_back(specifier);
    }

    ScriptTokens tokens_;
    const std::size_t most_;
    ScriptToken token_;
    bool behind_dot_ = false;
    std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> module_imports(std::string_view script, std::size_t most) { return Module(script, most).read(); }

}  // namespace selvage::hints
