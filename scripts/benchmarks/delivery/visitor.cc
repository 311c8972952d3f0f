// A client over TLS 1.3 and HTTP/2 that decodes what comes as a browser does, and tells what went over the wire. With `keep`,
// what it has decoded stays, as in a browser's cache: by its hash it can be the dictionary of a later answer (RFC 9842).
//
//     visitor PORT keep|forget
//
// It reads how many things to ask for at once, and a line for each of them, `path TAB dictionary TAB name: value TAB name: value
// …`, where the dictionary is the SHA-256 of what was decoded before, in hexadecimal, or `-`; and writes a JSON object per
// answer, in their order:
//
//     status, fields              names in lower case
//     head, body, asked           bytes of frames with header fields, of frames with content, of the request's; with frame
//     headers coded                       bytes of content, as it came first, content, total       µs from the request to the
//     answer's head, to its first byte of content, to its end size, sha256                of what was decoded; `wrong` in their
//     place says why it could not be
//
// The connection stays. {"failed": why} ends the program: the connection broke.
#include <brotli/decode.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Bytes = std::string;
constexpr std::size_t kFrameHead = 9;
constexpr std::size_t kLargest = 256 << 20;                          // bytes that an answer may decode to
constexpr int kStreamWindow = 6 << 20, kWindow = 15 << 20;           // Chromium's
constexpr int kWindowLog = 27;                                       // for a dictionary; without one RFC 9659 allows 23
constexpr std::string_view kMagic("\x5e\x2a\x4d\x18\x20\0\0\0", 8);  // RFC 9842 §5

using Wrong = std::runtime_error;

// --- decoding

std::string hex(std::string_view bytes) {
    std::string words;
    for (const char byte : bytes) {
        words += "0123456789abcdef"[static_cast<std::uint8_t>(byte) >> 4];
        words += "0123456789abcdef"[static_cast<std::uint8_t>(byte) & 15];
    }
    return words;
}

std::string sha256(std::string_view bytes) {
    std::string digest(SHA256_DIGEST_LENGTH, '\0');
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()));
    return digest;
}

void append(Bytes& decoded, const char* part, std::size_t size) {
    if (decoded.size() + size > kLargest) throw Wrong("larger than anything that was asked for");
    decoded.append(part, size);
}

Bytes from_zlib(std::string_view coded, int window_bits) {
    z_stream stream{};
    if (inflateInit2(&stream, window_bits) != Z_OK) throw Wrong("zlib");
    const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(coded.data()));
    stream.avail_in = static_cast<uInt>(coded.size());
    Bytes decoded;
    char part[1 << 16];
    int state = Z_OK;
    while (state == Z_OK) {
        stream.next_out = reinterpret_cast<Bytef*>(part);
        stream.avail_out = sizeof part;
        state = inflate(&stream, Z_NO_FLUSH);
        append(decoded, part, sizeof part - stream.avail_out);
    }
    if (state != Z_STREAM_END || stream.avail_in != 0) throw Wrong("not gzip");
    return decoded;
}

Bytes from_brotli(std::string_view coded) {
    const std::unique_ptr<BrotliDecoderState, void (*)(BrotliDecoderState*)> state(
        BrotliDecoderCreateInstance(nullptr, nullptr, nullptr), BrotliDecoderDestroyInstance);
    Bytes decoded;
    std::vector<std::uint8_t> part(1 << 16);
    auto* input = reinterpret_cast<const std::uint8_t*>(coded.data());
    std::size_t left = coded.size();
    for (;;) {
        std::uint8_t* output = part.data();
        std::size_t room = part.size();
        const auto result = BrotliDecoderDecompressStream(state.get(), &left, &input, &room, &output, nullptr);
        append(decoded, reinterpret_cast<const char*>(part.data()), part.size() - room);
        if (result == BROTLI_DECODER_RESULT_SUCCESS && left == 0) return decoded;
        if (result != BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) throw Wrong("not Brotli");
    }
}

// `dictionary`: its bytes, or nothing.
Bytes from_zstd(std::string_view coded, const Bytes* dictionary) {
    const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
    ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, dictionary != nullptr ? kWindowLog : 23);
    if (dictionary != nullptr) ZSTD_DCtx_refPrefix(context.get(), dictionary->data(), dictionary->size());
    Bytes decoded;
    std::vector<char> part(ZSTD_DStreamOutSize());
    ZSTD_inBuffer input{coded.data(), coded.size(), 0};
    for (;;) {
        ZSTD_outBuffer output{part.data(), part.size(), 0};
        const std::size_t state = ZSTD_decompressStream(context.get(), &output, &input);
        if (ZSTD_isError(state)) throw Wrong(ZSTD_getErrorName(state));
        append(decoded, part.data(), output.pos);
        if (state == 0 && input.pos == input.size) return decoded;
        if (input.pos == input.size && output.pos < part.size()) throw Wrong("a zstd frame without an end");
    }
}

Bytes from_dcz(std::string_view coded, const Bytes* dictionary, const std::string& hash) {
    if (dictionary == nullptr) throw Wrong("dcz, but no dictionary was offered");
    if (!coded.starts_with(kMagic) || coded.size() < kMagic.size() + SHA256_DIGEST_LENGTH) throw Wrong("dcz without its header");
    if (hex(coded.substr(kMagic.size(), SHA256_DIGEST_LENGTH)) != hash) throw Wrong("dcz of another dictionary");
    return from_zstd(coded.substr(kMagic.size() + SHA256_DIGEST_LENGTH), dictionary);
}

Bytes decoded(const std::string& coding, std::string_view coded, const Bytes* dictionary, const std::string& hash) {
    if (coding.empty() || coding == "identity") return Bytes(coded);
    if (coding == "gzip") return from_zlib(coded, 15 + 16);
    if (coding == "deflate") return from_zlib(coded, 15);
    if (coding == "br") return from_brotli(coded);
    if (coding == "zstd") return from_zstd(coded, nullptr);
    if (coding == "dcz") return from_dcz(coded, dictionary, hash);
    throw Wrong("coding " + coding);
}

// --- the connection

struct Answer {
    std::map<std::string, std::string> fields;
    Bytes content;
    std::size_t head = 0, body = 0, asked = 0;
    Clock::time_point begun{}, first{}, first_content{}, total{};
};

struct Connection {
    int fd = -1;
    SSL* ssl = nullptr;
    nghttp2_session* session = nullptr;
    std::map<std::int32_t, Answer> answers{};  // by stream: those asked for just now
    std::size_t awaited = 0;                   // of them
};

[[noreturn]] void give_up(const std::string& why) {
    std::cout << R"({"failed": ")" << why << "\"}" << std::endl;
    std::exit(1);
}

void connect_to(Connection& connection, std::uint16_t port) {
    connection.fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    if (connect(connection.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) give_up("connect");
    const int on = 1;
    setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
    SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>("\x02h2"), 3);
    connection.ssl = SSL_new(context);
    SSL_set_tlsext_host_name(connection.ssl, "localhost");
    SSL_set_fd(connection.ssl, connection.fd);
    if (SSL_connect(connection.ssl) != 1) give_up("TLS");
}

Connection& of(void* user) { return *static_cast<Connection*>(user); }

int on_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_HEADERS) of(user).answers[frame->hd.stream_id].asked += kFrameHead + frame->hd.length;
    return 0;
}

int on_field(nghttp2_session*, const nghttp2_frame* frame, nghttp2_rcbuf* name, nghttp2_rcbuf* value, std::uint8_t, void* user) {
    const auto text = [](nghttp2_rcbuf* buffer) {
        const auto [base, length] = nghttp2_rcbuf_get_buf(buffer);
        return std::string(reinterpret_cast<const char*>(base), length);
    };
    std::string& field = of(user).answers[frame->hd.stream_id].fields[text(name)];
    field += (field.empty() ? "" : ", ") + text(value);
    return 0;
}

int on_content(nghttp2_session*, std::uint8_t, std::int32_t stream, const std::uint8_t* data, std::size_t size, void* user) {
    Answer& answer = of(user).answers[stream];
    if (answer.content.empty()) answer.first_content = Clock::now();
    answer.content.append(reinterpret_cast<const char*>(data), size);
    return 0;
}

int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    const auto asked = of(user).answers.find(frame->hd.stream_id);
    if (asked == of(user).answers.end()) return 0;
    Answer& answer = asked->second;
    if (frame->hd.type == NGHTTP2_HEADERS) {
        answer.first = Clock::now();
        answer.head += kFrameHead + frame->hd.length;
    } else if (frame->hd.type == NGHTTP2_DATA) {
        answer.body += kFrameHead + frame->hd.length;
    }
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) answer.total = Clock::now();
    return 0;
}

int on_close(nghttp2_session*, std::int32_t stream, std::uint32_t error, void* user) {
    if (error != NGHTTP2_NO_ERROR) give_up("the stream was reset: " + std::to_string(error));
    if (of(user).answers.contains(stream)) --of(user).awaited;
    return 0;
}

void greet(Connection& connection) {
    nghttp2_session_callbacks* callbacks;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
    nghttp2_session_callbacks_set_on_header_callback2(callbacks, on_field);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_content);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_client_new(&connection.session, callbacks, &connection);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                               {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow}};
    nghttp2_submit_settings(connection.session, NGHTTP2_FLAG_NONE, settings, std::size(settings));
    nghttp2_session_set_local_window_size(connection.session, NGHTTP2_FLAG_NONE, 0, kWindow);
}

void say(Connection& connection) {
    const std::uint8_t* words;
    for (ssize_t size; (size = nghttp2_session_mem_send(connection.session, &words)) > 0;)
        if (SSL_write(connection.ssl, words, static_cast<int>(size)) <= 0) give_up("the connection was closed");
}

void hear(Connection& connection) {
    std::uint8_t words[1 << 14];
    const int size = SSL_read(connection.ssl, words, sizeof words);
    if (size <= 0) give_up("the connection was closed");
    if (nghttp2_session_mem_recv(connection.session, words, static_cast<std::size_t>(size)) < 0) give_up("not HTTP/2");
}

struct Request {
    std::string path, dictionary;
    std::vector<std::pair<std::string, std::string>> fields;
};

void submit(Connection& connection, const Request& request, std::vector<std::int32_t>& streams) {
    std::vector<nghttp2_nv> all;
    const auto add = [&all](const std::string& name, const std::string& value) {
        const auto bytes = [](const std::string& of) { return reinterpret_cast<std::uint8_t*>(const_cast<char*>(of.data())); };
        all.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    };
    const std::vector<std::pair<std::string, std::string>> own = {
        {":method", "GET"}, {":scheme", "https"}, {":authority", "localhost"}, {":path", request.path}};
    for (const auto& [name, value] : own) add(name, value);
    for (const auto& [name, value] : request.fields) add(name, value);
    streams.push_back(nghttp2_submit_request(connection.session, nullptr, all.data(), all.size(), nullptr, nullptr));
    if (streams.back() < 0) give_up("too many requests");
    connection.answers[streams.back()].begun = Clock::now();
}

// In the order of the requests.
std::vector<Answer> ask(Connection& connection, const std::vector<Request>& requests) {
    connection.answers.clear();
    connection.awaited = requests.size();
    std::vector<std::int32_t> streams;
    for (const Request& request : requests) submit(connection, request, streams);
    say(connection);
    while (connection.awaited != 0) {
        hear(connection);
        say(connection);
    }
    std::vector<Answer> answers;
    for (const std::int32_t stream : streams) answers.push_back(std::move(connection.answers[stream]));
    return answers;
}

// --- the conversation

std::vector<std::string> parts_of(const std::string& line, char separator) {
    std::vector<std::string> parts;
    std::size_t begin = 0;
    for (std::size_t end; (end = line.find(separator, begin)) != std::string::npos; begin = end + 1)
        parts.push_back(line.substr(begin, end - begin));
    parts.push_back(line.substr(begin));
    return parts;
}

std::string quoted(std::string_view text) {
    std::string words = "\"";
    for (const char letter : text) {
        if (letter == '"' || letter == '\\') words += '\\';
        words += static_cast<std::uint8_t>(letter) < ' ' ? '?' : letter;
    }
    return words + '"';
}

void tell(const Answer& answer, const std::string& found) {
    const auto after = [&](Clock::time_point when) {
        return std::to_string(std::chrono::duration<double, std::micro>(when - answer.begun).count());
    };
    std::string fields;
    for (const auto& [name, value] : answer.fields)
        if (!name.starts_with(':')) fields += (fields.empty() ? "" : ", ") + quoted(name) + ": " + quoted(value);
    const auto status = answer.fields.find(":status");
    std::cout << "{\"status\": " << (status != answer.fields.end() ? status->second : "0") << ", \"fields\": {" << fields
              << "}, \"head\": " << answer.head << ", \"body\": " << answer.body << ", \"coded\": " << answer.content.size()
              << ", \"asked\": " << answer.asked << ", \"first\": " << after(answer.first)
              << ", \"content\": " << after(answer.content.empty() ? answer.first : answer.first_content)
              << ", \"total\": " << after(answer.total) << ", " << found << "}" << std::endl;
}

Request request_of(const std::string& line) {
    const auto parts = parts_of(line, '\t');
    if (parts.size() < 2) give_up("not a request");
    Request request{.path = parts[0], .dictionary = parts[1], .fields = {}};
    for (std::size_t at = 2; at < parts.size(); ++at) {
        const auto colon = parts[at].find(": ");
        if (colon != std::string::npos) request.fields.emplace_back(parts[at].substr(0, colon), parts[at].substr(colon + 2));
    }
    return request;
}

using Kept = std::map<std::string, Bytes>;  // by hash, in hexadecimal

void tell_what_came(const Answer& answer, const std::string& named, Kept* kept) {
    std::string found;
    try {
        const auto coding = answer.content.empty() ? answer.fields.end() : answer.fields.find("content-encoding");
        const Bytes* dictionary = kept != nullptr && kept->contains(named) ? &kept->at(named) : nullptr;
        Bytes bytes = decoded(coding != answer.fields.end() ? coding->second : "", answer.content, dictionary, named);
        const std::string hash = hex(sha256(bytes));
        found = "\"size\": " + std::to_string(bytes.size()) + ", \"sha256\": \"" + hash + "\"";
        if (kept != nullptr) kept->insert_or_assign(hash, std::move(bytes));
    } catch (const Wrong& wrong) {
        found = "\"wrong\": " + quoted(wrong.what());
    }
    tell(answer, found);
}

int converse(Connection& connection, bool keep) {
    Kept kept;
    for (std::string line; std::getline(std::cin, line);) {
        std::vector<Request> requests;
        for (int left = std::atoi(line.c_str()); left > 0 && std::getline(std::cin, line); --left)
            requests.push_back(request_of(line));
        const auto answers = ask(connection, requests);
        for (std::size_t at = 0; at < answers.size(); ++at)
            tell_what_came(answers[at], requests[at].dictionary, keep ? &kept : nullptr);
    }
    return 0;
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 3) {
        std::fprintf(stderr, "visitor PORT keep|forget\n");
        return 2;
    }
    std::signal(SIGPIPE, SIG_IGN);
    std::ios::sync_with_stdio(false);
    Connection connection;
    connect_to(connection, static_cast<std::uint16_t>(std::atoi(arguments[1])));
    greet(connection);
    say(connection);
    return converse(connection, arguments[2] == std::string_view("keep"));
}
