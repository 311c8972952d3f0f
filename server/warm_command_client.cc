#include "server/warm_command_client.h"

#include <fmt/format.h>

// Its own code, not ours to mend.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wconversion"
#include <httplib.h>
#pragma GCC diagnostic pop

#include <charconv>

namespace selvage::server {

namespace {

// Longer than image.total_timeout: the server decides.
constexpr std::chrono::seconds kPatience{60};

bool is_loopback(const std::string& base) {
    return base.find("//127.") != std::string::npos || base.find("//localhost") != std::string::npos ||
           base.find("//[::1]") != std::string::npos;
}

std::chrono::seconds retry_after(const std::string& field) {
    unsigned seconds = 1;  // a date is not worth reading
    std::from_chars(field.data(), field.data() + field.size(), seconds);
    return std::chrono::seconds(std::min(seconds, 60U));
}

}  // namespace

struct WarmClient::Connection {
    explicit Connection(const std::string& base) : client(base) {}
    httplib::Client client;
};

WarmClient::WarmClient(const std::string& base) : connection_(std::make_unique<Connection>(base)), base_(base) {
    httplib::Client& client = connection_->client;
    client.set_keep_alive(true);
    client.set_connection_timeout(std::chrono::seconds(3));
    client.set_read_timeout(kPatience);
    client.set_url_encode(false);
    client.set_decompress(false);
    client.enable_server_certificate_verification(!is_loopback(base));
}

WarmClient::~WarmClient() = default;

Result<WarmClient::Answer> WarmClient::get(const std::string& target, const std::string& accept, const std::string& host,
                                           Body body) {
    // RFC 9218: it can wait for what somebody waits for.
    httplib::Headers fields = {{"Accept", accept}, {"Priority", "u=7"}, {"User-Agent", "selvage-warm"}};
    if (!host.empty()) fields.emplace("Host", host);
    Answer answer;
    const auto result = connection_->client.Get(target, fields, [&](const char* data, std::size_t size) {
        answer.bytes += size;
        if (body == Body::Kept) answer.body.append(data, size);
        return true;
    });
    if (!result) {
        return fail(result.error() == httplib::Error::Read ? ErrorKind::TimedOut : ErrorKind::OriginFailed,
                    fmt::format("{}: {}", base_, httplib::to_string(result.error())));
    }
    answer.status = result->status;
    answer.hit = result->get_header_value("Cache-Status").find("; hit") != std::string::npos;
    const std::string word = result->get_header_value("X-Img");
    answer.interim = word.starts_with("upgrade") || word.starts_with("fallback");
    answer.retry_after = retry_after(result->get_header_value("Retry-After"));
    return answer;
}

}  // namespace selvage::server
