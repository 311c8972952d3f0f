#include "server/admin/client.h"

#include <fmt/format.h>

// Its own code, not ours to mend.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wconversion"
#include <httplib.h>
#pragma GCC diagnostic pop

#include "config/loader.h"

namespace selvage::admin {

Result<Response> post(const config::Endpoint& admin, const std::string& path, std::chrono::seconds patience,
                      const std::string& body) {
    httplib::Client client(admin.host, admin.port);
    client.set_connection_timeout(std::chrono::seconds(3));
    client.set_read_timeout(patience);
    const httplib::Result answer = body.empty() ? client.Post(path) : client.Post(path, body, "application/json");
    if (answer) return Response{.status = static_cast<std::uint16_t>(answer->status), .body = answer->body};
    const std::string detail = fmt::format("{}{}: {}", config::to_string(admin), path, httplib::to_string(answer.error()));
    return fail(answer.error() == httplib::Error::Read ? ErrorKind::TimedOut : ErrorKind::OriginFailed, detail);
}

}  // namespace selvage::admin
