#include "server/hints/stylesheet.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/ascii.h"
#include "base/fields.h"
#include "base/html_tags.h"
#include "server/hints/css_tokens.h"
#include "server/hints/font_face.h"
#include "server/hints/selector.h"

namespace selvage::hints {

namespace {

using Kind = CssToken::Kind;

constexpr unsigned kDeepest = 16;               // @media within @layer within …
constexpr std::size_t kMostKept = 64ULL << 10;  // bytes of values; sheets that have more are of no use to anybody
constexpr std::size_t kMostFaces = 500;         // icon sheets and CJK slices have some hundred

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = to_lower(c);
    return out;
}

// Under what conditions the rules stand.
struct Context {
    bool certain = true;
    bool layered = false;
    unsigned depth = 0;
};

std::string_view without_importance(std::string_view value, bool& important) {
    value = trim_html(value);
    const auto mark = value.rfind('!');
    important = mark != std::string_view::npos && equals_ignoring_case(trim_html(value.substr(mark + 1)), "important");
    return important ? trim_html(value.substr(0, mark)) : value;
}

class Reader {
public:
    explicit Reader(std::string_view css) : tokens_(css) {}

    Stylesheet read() {
        read_rules({});
        if (kept_ > kMostKept || sheet_.faces.size() > kMostFaces) {
            sheet_ = {};
            sheet_.unsure = true;
        }
        return std::move(sheet_);
    }

private:
    // Up to the '}' that ends the group, or the end.
    void read_rules(const Context& context) {
        while (true) {
            const CssToken token = tokens_.solid();
            if (token.kind == Kind::End || (token.is('}') && context.depth > 0)) return;
            if (token.kind == Kind::AtKeyword) {
                read_at_rule(lower(token.text), context);
                continue;
            }
            if (skip_html_comment(token)) continue;
            tokens_.seek(token.begin);
            read_style_rule(context);
            imports_over_ = true;
        }
    }

    // "<!--" and "-->" around a sheet mean nothing. CSS Syntax 3 §5.4.1.
    bool skip_html_comment(const CssToken& token) {
        for (const std::string_view mark : {"<!--", "-->"}) {
            if (tokens_.starts_at(token.begin, mark)) return tokens_.seek(token.begin + mark.size()), true;
        }
        return false;
    }

    struct Prelude {
        std::string_view text;
        bool block = false;  // a '{' follows, and has been read; else ';' or the end
    };

    Prelude take_prelude(bool statement) {
        const std::size_t begin = tokens_.at();
        while (true) {
            const CssToken token = tokens_.next();
            const std::string_view text = tokens_.between(begin, token.begin);
            if (token.kind == Kind::End || (statement && token.is(';'))) return {.text = text, .block = false};
            if (token.is('{')) return {.text = text, .block = true};
            if (token.kind == Kind::Function || token.is('(') || token.is('[')) skip_block(token.is('[') ? ']' : ')');
        }
    }

    // Behind the bracket that closes the one that was read, whatever is within.
    void skip_block(char closing) {
        std::string open(1, closing);
        while (!open.empty()) {
            const CssToken token = tokens_.next();
            if (token.kind == Kind::End) return;
            if (token.kind == Kind::Function || token.is('(')) open.push_back(')');
            if (token.is('[')) open.push_back(']');
            if (token.is('{')) open.push_back('}');
            if (token.is(open.back())) open.pop_back();
        }
    }

    void read_at_rule(const std::string& name, const Context& context) {
        const Prelude prelude = take_prelude(true);
        if (name == "import" && !prelude.block && !imports_over_) return read_import(prelude.text);
        if (name != "charset" && name != "layer" && name != "import") imports_over_ = true;
        if (!prelude.block) return;
        if (name == "font-face") return read_face(context);
        const auto inner = within(name, prelude.text, context);
        if (inner) return read_rules(*inner);
        skip_block('}');
    }

    // Of the rules of a group; nothing: it is not for screens, or holds no rules.
    static std::optional<Context> within(const std::string& name, std::string_view prelude, Context context) {
        if (++context.depth > kDeepest) return std::nullopt;
        if (name == "layer") {
            context.layered = true;
        } else if (name == "media") {
            if (equals_ignoring_case(trim_html(prelude), "print")) return std::nullopt;
            context.certain = context.certain && is_for_any_screen(prelude);
        } else if (name == "supports" || name == "container" || name == "scope") {
            context.certain = false;
        } else {
            return std::nullopt;
        }
        return context;
    }

    void read_import(std::string_view prelude) {
        CssTokens tokens(prelude);
        CssToken token = tokens.solid();
        Stylesheet::Import import;
        if (token.kind == Kind::Function && equals_ignoring_case(token.text, "url")) {
            token = tokens.solid();
            if (!tokens.solid().is(')')) return;
        }
        if (token.kind != Kind::String && token.kind != Kind::Url) return;
        import.url = std::move(token.text);
        const std::string condition = lower(trim_html(tokens.between(tokens.at(), prelude.size())));
        import.layered = condition == "layer" || (condition.starts_with("layer(") && condition.find(')') == condition.size() - 1);
        if (condition == "print") return;
        if (!import.layered && !is_for_any_screen(condition)) sheet_.unsure = true;
        kept_ += import.url.size() + sizeof import;
        sheet_.imports.push_back(std::move(import));
    }

    void read_face(const Context& context) {
        Descriptors descriptors;
        read_declarations([&](std::string name, std::string_view value) { descriptors.emplace_back(std::move(name), value); });
        auto face = read_font_face(descriptors);
        if (!face || sheet_.faces.size() > kMostFaces) return;
        if (!context.certain) face->url.clear();
        sheet_.faces.push_back(*std::move(face));
    }

    void read_style_rule(const Context& context) {
        const Prelude prelude = take_prelude(false);
        if (!prelude.block) return;
        const std::vector<Subject> subjects = subjects_of(prelude.text);
        if (subjects.empty()) return skip_block('}');
        read_declarations([&](const std::string& name, std::string_view value) {
            bool important = false;
            value = without_importance(value, important);
            if (name != "font-family" && name != "font-weight" && name != "font" && !name.starts_with("--")) return;
            for (const Subject& subject : subjects) {
                kept_ += name.size() + value.size() + sizeof(Stylesheet::Declaration);
                if (kept_ > kMostKept) return;
                sheet_.declarations.push_back({.element = subject.element,
                                               .certain = context.certain && subject.certain && !important,
                                               .layered = context.layered,
                                               .name = name,
                                               .value = std::string(value)});
            }
        });
    }

    // Up to the '}' that ends the block. Rules within it are skipped.
    template <typename Use>
    void read_declarations(Use use) {
        while (true) {
            const CssToken token = tokens_.solid();
            if (token.kind == Kind::End || token.is('}')) return;
            if (token.is(';')) continue;
            if (token.kind == Kind::Ident && tokens_.solid().is(':')) {
                const std::string name = token.text.starts_with("--") ? token.text : lower(token.text);
                if (const auto value = take_value(name.starts_with("--"))) use(name, *value);
            } else {
                tokens_.seek(token.begin);
                take_value(false);
            }
        }
    }

    // Up to the ';', which is read, or the '}', which is not. Nothing: a rule, read as a whole.
    std::optional<std::string_view> take_value(bool custom) {
        const std::size_t begin = tokens_.at();
        while (true) {
            const CssToken token = tokens_.next();
            const std::string_view value = tokens_.between(begin, token.begin);
            if (token.kind == Kind::End || token.is(';')) return value;
            if (token.is('}')) return tokens_.seek(token.begin), value;
            if (token.is('{')) {
                skip_block('}');
                if (!custom) return std::nullopt;
            } else if (token.kind == Kind::Function || token.is('(') || token.is('[')) {
                skip_block(token.is('[') ? ']' : ')');
            }
        }
    }

    CssTokens tokens_;
    Stylesheet sheet_;
    std::size_t kept_ = 0;
    bool imports_over_ = false;
};

}  // namespace

bool is_for_any_screen(std::string_view media) {
    const std::string query = lower(trim_html(media));
    return query.empty() || query == "all" || query == "screen" || query == "only screen";
}

Stylesheet read_stylesheet(std::string_view css) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (css.starts_with(kByteOrderMark)) css.remove_prefix(kByteOrderMark.size());
    return Reader(css).read();
}

}  // namespace selvage::hints
