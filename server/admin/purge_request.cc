#include "server/admin/purge_request.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>

#include "base/url.h"

namespace selvage::admin {
namespace {

using nlohmann::json;

// What can be purged: its key in the body, its parameter in the query.
struct Kind {
    std::string_view key;
    std::string_view parameter;
    std::vector<std::string> PurgeRequest::* member;
};
constexpr std::array kKinds = {
    Kind{"urls", "url", &PurgeRequest::urls},
    Kind{"prefixes", "prefix", &PurgeRequest::prefixes},
    Kind{"tags", "tag", &PurgeRequest::tags},
    Kind{"globs", "glob", &PurgeRequest::globs},
};

struct Switch {
    std::string_view name;
    bool PurgeRequest::* member;
};
constexpr std::array kSwitches = {Switch{"all", &PurgeRequest::all}, Switch{"soft", &PurgeRequest::soft}};

template <typename... Args>
std::unexpected<Error> wrong(fmt::format_string<Args...> format, Args&&... args) {
    return fail(ErrorKind::BadRequest, fmt::format(format, std::forward<Args>(args)...));
}

Result<void> take_list(std::string_view key, const json& value, std::vector<std::string>& list) {
    if (!value.is_array()) return wrong("\"{}\" is not a list of strings", key);
    for (const json& item : value) {
        if (!item.is_string()) return wrong("\"{}\" has an element that is not a string", key);
        if (item.get_ref<const std::string&>().empty()) return wrong("\"{}\" has an empty string", key);
        list.push_back(item);
    }
    return {};
}

Result<void> take_member(const std::string& key, const json& value, PurgeRequest& request) {
    for (const Kind& kind : kKinds) {
        if (key == kind.key) return take_list(key, value, request.*kind.member);
    }
    for (const Switch& one : kSwitches) {
        if (key != one.name) continue;
        if (!value.is_boolean()) return wrong("\"{}\" is neither true nor false", key);
        request.*one.member = value.get<bool>();
        return {};
    }
    return wrong("unknown key \"{}\": there are urls, prefixes, tags, globs, all and soft", key);
}

Result<void> take_body(std::string_view body, PurgeRequest& request) {
    const json document = json::parse(body, nullptr, false);
    if (!document.is_object()) return wrong("the body is not a JSON object");
    for (const auto& [key, value] : document.items()) TRY(take_member(key, value, request));
    return {};
}

Result<void> take_parameter(std::string_view key, const std::string& value, PurgeRequest& request) {
    for (const Kind& kind : kKinds) {
        if (key != kind.parameter) continue;
        if (value.empty()) return wrong("the parameter \"{}\" is empty", key);
        (request.*kind.member).push_back(value);
        return {};
    }
    for (const Switch& one : kSwitches) {
        if (key != one.name) continue;
        if (value != "1" && value != "0") return wrong("the parameter \"{}\" is neither 1 nor 0", key);
        request.*one.member = value == "1";
        return {};
    }
    return wrong("unknown parameter \"{}\": there are url, prefix, tag, glob, all and soft", key);
}

Result<void> take_query(std::string_view query, PurgeRequest& request) {
    for (const QueryParam& param : split_query(query)) {
        const auto value = percent_decode(param.value);
        if (!value) return wrong("the parameter \"{}\" has a broken escape", param.key);
        TRY(take_parameter(param.key, *value, request));
    }
    return {};
}

std::string dumped(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

Result<PurgeRequest> parse_purge_request(std::string_view query, std::string_view body) {
    PurgeRequest request;
    TRY(take_query(query, request));
    if (!body.empty()) TRY(take_body(body, request));
    bool anything = request.all;
    for (const Kind& kind : kKinds) anything = anything || !(request.*kind.member).empty();
    if (!anything) return wrong("nothing to purge: name urls, prefixes, tags, globs or all");
    return request;
}

std::string to_json(const PurgeRequest& request) {
    json body = json::object();
    for (const Kind& kind : kKinds) {
        if (!(request.*kind.member).empty()) body[std::string(kind.key)] = request.*kind.member;
    }
    for (const Switch& one : kSwitches) {
        if (request.*one.member) body[std::string(one.name)] = true;
    }
    return dumped(body);
}

std::string describe(const PurgeRequest& request) {
    constexpr std::size_t kMost = 400;
    std::string text = to_json(request);
    if (text.size() <= kMost) return text;
    const std::size_t left_out = text.size() - kMost;
    text.resize(kMost);
    return text + fmt::format("… ({} bytes more)", left_out);
}

}  // namespace selvage::admin
