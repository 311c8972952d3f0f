#include "config/checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "config/forms.h"

namespace selvage::config {
namespace {

const Value::Array* items_of(const Value* value) {
    return value == nullptr ? nullptr : std::get_if<Value::Array>(&value->content);
}

// Written, even if wrongly: that was reported when it was read.
bool is_given(const Value* value) {
    if (value == nullptr) return false;
    const auto* text = std::get_if<std::string>(&value->content);
    return text == nullptr || !text->empty();
}

void check_certificate(const Value& document, Reading& reading) {
    const Value* tls = find(document, "tls");
    if (tls == nullptr) return;
    const Value* certificate = find(*tls, "certificate");
    const Value* key = find(*tls, "key");
    if (is_given(certificate) && !is_given(key)) reading.mistake(certificate->at, "tls.certificate: expected tls.key with it");
    if (is_given(key) && !is_given(certificate)) reading.mistake(key->at, "tls.key: expected tls.certificate with it");
}

// Two listeners on one address and port; port 0 is a new one each time.
void check_addresses(const Value& document, Reading& reading) {
    const Value* server = find(document, "server");
    if (server == nullptr) return;
    std::vector<std::pair<Endpoint, Position>> seen;
    const auto visit = [&](const Value& value, std::string_view path) {
        const auto* text = std::get_if<std::string>(&value.content);
        const auto endpoint = text == nullptr ? fail(ErrorKind::BadRequest, {}) : parse_endpoint(*text);
        if (!endpoint || endpoint->port == 0) return;
        const auto other = std::ranges::find_if(seen, [&](const auto& earlier) {
            return earlier.first.host == endpoint->host && earlier.first.port == endpoint->port;
        });
        if (other == seen.end()) {
            seen.emplace_back(*endpoint, value.at);
        } else if (other->first.scheme != endpoint->scheme || path == "server.admin") {  // else the list has said so
            reading.mistake(value.at, fmt::format("{}: the address of {} is used at line {} already", path, describe(value),
                                                  other->second.line));
        }
    };
    if (const auto* listen = items_of(find(*server, "listen"))) {
        for (const Value& value : *listen) visit(value, "server.listen");
    }
    if (const Value* admin = find(*server, "admin")) visit(*admin, "server.admin");
}

// The hosts of one site with their places; "*" at the site's own place when it names none.
std::vector<std::pair<std::string, Position>> hosts_of(const Value& site) {
    const Value* written = find(site, "hosts");
    if (written == nullptr) return {{"*", site.at}};
    std::vector<std::pair<std::string, Position>> hosts;
    const auto* items = items_of(written);
    if (items == nullptr) return hosts;
    Reading unheard({}, Disk::Ignored);  // what is wrong with a name was reported when it was read
    for (const Value& item : *items) {
        if (auto name = host().read(item, unheard, {})) hosts.emplace_back(*std::move(name), item.at);
    }
    return hosts;
}

void check_hosts(const Value& document, Reading& reading) {
    const auto* sites = items_of(find(document, "site"));
    if (sites == nullptr) return;
    std::map<std::string, const Value*> owners;
    for (const Value& site : *sites) {
        if (!std::holds_alternative<Value::Table>(site.content)) continue;
        for (const auto& [name, at] : hosts_of(site)) {
            const auto [owner, fresh] = owners.emplace(name, &site);
            if (fresh || owner->second == &site) continue;
            reading.mistake(at,
                            fmt::format("site.hosts: \"{}\" belongs to the site at line {} already; expected each host in one "
                                        "site only",
                                        name, owner->second->at.line));
        }
    }
}

}  // namespace

void check_across_options(const Value& document, Reading& reading) {
    check_certificate(document, reading);
    check_addresses(document, reading);
    check_hosts(document, reading);
}

}  // namespace selvage::config
