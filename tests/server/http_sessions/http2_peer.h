#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace selvage::testing {

// What came back on one stream.
struct Received {
    std::vector<std::pair<std::string, std::string>> fields;
    std::string body;
    bool headed = false;  // a complete header section
    bool ended = false;   // END_STREAM
    bool closed = false;
    std::uint32_t code = 0;  // why it was closed

    std::string field(std::string_view name) const {
        for (const auto& [key, value] : fields) {
            if (key == name) return value;
        }
        return {};
    }
    std::string status() const { return field(":status"); }
};

// The client's end of an HTTP/2 connection, by nghttp2: an implementation of the protocol that is not ours.
class Http2Peer {
public:
    using Fields = std::vector<std::pair<std::string, std::string>>;
    struct Goaway {
        std::int32_t last_stream;
        std::uint32_t code;
    };

    explicit Http2Peer(std::vector<nghttp2_settings_entry> announced = {}) {
        nghttp2_session_callbacks* callbacks = nullptr;
        nghttp2_session_callbacks_new(&callbacks);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
        nghttp2_option* option = nullptr;
        nghttp2_option_new(&option);
        nghttp2_option_set_max_send_header_block_length(option, 1 << 20);
        nghttp2_session* session = nullptr;
        nghttp2_session_client_new2(&session, callbacks, this, option);
        nghttp2_option_del(option);
        nghttp2_session_callbacks_del(callbacks);
        session_.reset(session);
        nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, announced.data(), announced.size());
    }

    std::int32_t request(std::string_view method, std::string_view path, Fields more = {}, std::string content = {}) {
        Fields fields = {
            {":method", std::string(method)}, {":scheme", "https"}, {":authority", "example.org"}, {":path", std::string(path)}};
        fields.insert(fields.end(), more.begin(), more.end());
        std::vector<nghttp2_nv> block;
        for (auto& [name, value] : fields) {
            block.push_back({reinterpret_cast<std::uint8_t*>(name.data()), reinterpret_cast<std::uint8_t*>(value.data()),
                             name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
        }
        if (content.empty()) return nghttp2_submit_request(session_.get(), nullptr, block.data(), block.size(), nullptr, nullptr);
        contents_.push_back(std::make_unique<std::string>(std::move(content)));
        nghttp2_data_provider provider{};
        provider.source.ptr = contents_.back().get();
        provider.read_callback = read_content;
        return nghttp2_submit_request(session_.get(), nullptr, block.data(), block.size(), &provider, nullptr);
    }
    std::int32_t get(std::string_view path, Fields more = {}) { return request("GET", path, std::move(more)); }

    void reset(std::int32_t stream) { nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL); }
    void open_connection_window(std::int32_t size) {
        nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, 0, size);
    }

    std::string say() {
        std::string bytes;
        const std::uint8_t* data = nullptr;
        for (ssize_t size; (size = nghttp2_session_mem_send(session_.get(), &data)) > 0;)
            bytes.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
        return bytes;
    }
    bool hear(std::string_view bytes) {
        return nghttp2_session_mem_recv(session_.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()) ==
               static_cast<ssize_t>(bytes.size());
    }

    std::map<std::int32_t, Received> streams;
    std::vector<Goaway> goaways;
    std::map<std::int32_t, std::uint32_t> settings;  // the server's
    int pings = 0;

private:
    struct Free {
        void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
    };
    static Http2Peer& self(void* user) { return *static_cast<Http2Peer*>(user); }

    static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                         const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
        self(user).streams[frame->hd.stream_id].fields.emplace_back(
            std::string(reinterpret_cast<const char*>(name), name_size),
            std::string(reinterpret_cast<const char*>(value), value_size));
        return 0;
    }
    static int on_frame_recv(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        Http2Peer& peer = self(user);
        const auto type = frame->hd.type;
        if (type == NGHTTP2_GOAWAY) peer.goaways.push_back({frame->goaway.last_stream_id, frame->goaway.error_code});
        if (type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) ++peer.pings;
        if (type == NGHTTP2_SETTINGS) {
            for (std::size_t i = 0; i < frame->settings.niv; ++i) {
                peer.settings[frame->settings.iv[i].settings_id] = frame->settings.iv[i].value;
            }
        }
        if (type == NGHTTP2_HEADERS) peer.streams[frame->hd.stream_id].headed = true;
        if ((type == NGHTTP2_HEADERS || type == NGHTTP2_DATA) && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
            peer.streams[frame->hd.stream_id].ended = true;
        }
        return 0;
    }
    static int on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data, std::size_t size, void* user) {
        self(user).streams[id].body.append(reinterpret_cast<const char*>(data), size);
        return 0;
    }
    static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
        Received& stream = self(user).streams[id];
        stream.closed = true;
        stream.code = code;
        return 0;
    }
    static ssize_t read_content(nghttp2_session*, std::int32_t, std::uint8_t* into, std::size_t size, std::uint32_t* flags,
                                nghttp2_data_source* source, void*) {
        auto& content = *static_cast<std::string*>(source->ptr);
        const std::size_t taken = std::min(size, content.size());
        std::memcpy(into, content.data(), taken);
        content.erase(0, taken);
        if (content.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
        return static_cast<ssize_t>(taken);
    }

    std::unique_ptr<nghttp2_session, Free> session_;
    std::vector<std::unique_ptr<std::string>> contents_;
};

}  // namespace selvage::testing
