#include "server/http/error_response.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>
#include <vector>

#include "base/url.h"
#include "server/http/status_line.h"

namespace selvage::http {
namespace {

using std::chrono::seconds;

// In the order of the enum. Log levels: what a client did is its own affair (debug), what we could not do is the operator's.
constexpr auto kErrors = std::to_array<ErrorRow>({
    {ErrorKind::BadRequest, 400, LogLevel::Debug, seconds{0}, "The request cannot be understood."},
    {ErrorKind::Forbidden, 403, LogLevel::Debug, seconds{0}, "This is not allowed."},
    {ErrorKind::NotFound, 404, LogLevel::Debug, seconds{0}, "There is nothing here."},
    {ErrorKind::TooLarge, 413, LogLevel::Info, seconds{0},
     "The source or the requested result is larger than this server allows."},
    {ErrorKind::Unsupported, 415, LogLevel::Debug, seconds{0}, "The source is of a kind that cannot be transformed."},
    {ErrorKind::Unprocessable, 422, LogLevel::Info, seconds{0},
     "The source is damaged or exceeds a limit and cannot be transformed."},
    {ErrorKind::OriginFailed, 502, LogLevel::Warn, seconds{0}, "The origin did not answer properly."},
    {ErrorKind::TimedOut, 504, LogLevel::Warn, seconds{1}, "This took longer than the server allows."},
    {ErrorKind::Overloaded, 503, LogLevel::Warn, seconds{1}, "The server is busy; try again shortly."},
    {ErrorKind::RateLimited, 429, LogLevel::Debug, seconds{1}, "Too many requests; try again later."},
    {ErrorKind::Cancelled, 500, LogLevel::Debug, seconds{0}, "The request was abandoned."},
    {ErrorKind::Internal, 500, LogLevel::Error, seconds{0}, "Something went wrong on this server."},
});
static_assert(std::ranges::all_of(kErrors, [](const ErrorRow& row) {
    return row.kind == kErrors[static_cast<std::size_t>(row.kind)].kind;
}));

// What a problem document says when no Error says more.
struct Sentence {
    std::uint16_t status;
    std::string_view text;
};
constexpr auto kSentences = std::to_array<Sentence>({
    {400, "The request cannot be understood."},
    {401, "This needs credentials."},
    {403, "This is not allowed."},
    {404, "There is nothing here."},
    {405, "This method cannot be used here."},
    {406, "No form of this is acceptable to the client."},
    {408, "The request did not arrive in time."},
    {410, "What was here is gone."},
    {411, "The request needs a length."},
    {412, "A condition of the request does not hold."},
    {413, "The content is larger than this server allows."},
    {414, "The address is longer than this server allows."},
    {415, "Content of this kind is not handled."},
    {416, "None of the ranges lies within the content."},
    {417, "The expectation of the request cannot be met."},
    {421, "This connection does not serve that host."},
    {422, "The content cannot be processed."},
    {425, "This request may not be sent as early data."},
    {429, "Too many requests; try again later."},
    {431, "The header fields are larger than this server allows."},
    {500, "Something went wrong on this server."},
    {501, "This method is not known here."},
    {502, "The origin did not answer properly."},
    {503, "The server is busy; try again shortly."},
    {504, "This took longer than the server allows."},
    {505, "This version of HTTP is not spoken here."},
});
static_assert(std::ranges::is_sorted(kSentences, {}, &Sentence::status));

const Sentence* sentence_of(std::uint16_t status) {
    const auto row = std::ranges::lower_bound(kSentences, status, {}, &Sentence::status);
    return row != kSentences.end() && row->status == status ? &*row : nullptr;
}

constexpr std::string_view kNoStore = "no-store";

// static-delivery §1, the last two rows. 410 lives as 404 does.
std::string_view lifetime(std::uint16_t status, ErrorFacts facts) {
    const bool missing = status == 404 || status == 410;
    return missing && !facts.fingerprinted && !facts.bypass ? "public, max-age=10" : kNoStore;
}

struct Problem {
    std::uint16_t status;
    std::string_view detail;
    std::string_view code, param, allowed;
};

// RFC 9457 §3. "about:blank": the status says what kind of problem it is, and the title is then its phrase (§4.2.1).
std::string document(const Problem& problem) {
    nlohmann::ordered_json json{{"type", "about:blank"},
                                {"title", reason_phrase(problem.status)},
                                {"status", problem.status},
                                {"detail", problem.detail}};
    if (!problem.code.empty()) json["code"] = problem.code;
    if (!problem.param.empty()) json["param"] = problem.param;
    if (!problem.allowed.empty()) json["allowed"] = problem.allowed;
    // A detail may quote bytes of a URL that are no UTF-8; they become U+FFFD, never an exception.
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Answer problem_answer(const Problem& problem, ErrorFacts facts, Head::Fields more) {
    Head::Fields fields{{"content-type", "application/problem+json"},
                        {"cache-control", std::string(lifetime(problem.status, facts))},
                        {"x-content-type-options", "nosniff"}};
    fields.insert(fields.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    Answer answer;
    answer.status = problem.status;
    answer.head = std::make_shared<const Head>(std::move(fields));
    answer.body = Body(make_blob(document(problem)));
    return answer;
}

Head::Fields retry_field(seconds after) {
    if (after == seconds{0}) return {};
    return {{"retry-after", std::to_string(after.count())}};
}

Problem problem_of(const Sentence& row) {
    return {.status = row.status, .detail = row.text, .code = {}, .param = {}, .allowed = {}};
}

// Refers to the other's head and body without sharing in their ownership: nothing is counted.
Answer borrowed(const Answer& owner) {
    Answer answer;
    answer.status = owner.status;
    answer.head = HeadPtr(HeadPtr(), owner.head.get());
    answer.body = Body(BlobPtr(BlobPtr(), owner.body.segment(0).bytes.get()));
    return answer;
}

// The answers of the table above that depend on nothing else, made once: a flood of 404s must not cost more than hits do (made
// anew, one cost 21,000 instructions, a hit 1,000). They live as long as the process, so all loops may borrow them.
class ReadyAnswers {
public:
    static Answer of(const Sentence& row, ErrorFacts facts) {
        static const ReadyAnswers kReady;
        const std::size_t place = static_cast<std::size_t>(&row - kSentences.data());
        return borrowed(lifetime(row.status, facts) == kNoStore ? kReady.no_store_[place] : kReady.brief_[place]);
    }

private:
    ReadyAnswers() {
        for (const Sentence& row : kSentences) {
            Head::Fields more = row.status == 503 ? retry_field(seconds{1}) : Head::Fields{};
            brief_.push_back(problem_answer(problem_of(row), {}, more));
            no_store_.push_back(problem_answer(problem_of(row), {.fingerprinted = true}, std::move(more)));
        }
    }
    std::vector<Answer> brief_, no_store_;
};

}  // namespace

const ErrorRow& row_of(ErrorKind kind) {
    const auto index = static_cast<std::size_t>(kind);
    return index < kErrors.size() ? kErrors[index] : kErrors.back();
}

Answer error_answer(const Error& error, ErrorFacts facts) {
    const ErrorRow& row = row_of(error.kind);
    const bool own_words = error.kind == ErrorKind::BadRequest && !error.detail.empty();
    const Problem problem{.status = row.status,
                          .detail = own_words ? std::string_view(error.detail) : row.sentence,
                          .code = error.code,
                          .param = error.param,
                          .allowed = error.allowed};
    return problem_answer(problem, facts, retry_field(row.retry_after));
}

Answer status_answer(std::uint16_t status, ErrorFacts facts, Head::Fields more) {
    const Sentence unknown{.status = status, .text = {}};
    const Sentence* row = sentence_of(status);
    if (row != nullptr && more.empty()) return ReadyAnswers::of(*row, facts);
    if (status == 503) more.emplace_back("retry-after", "1");
    return problem_answer(problem_of(row != nullptr ? *row : unknown), facts, std::move(more));
}

Answer method_not_allowed(std::string_view allow) { return status_answer(405, {}, {{"allow", std::string(allow)}}); }

Answer redirect_answer(std::uint16_t status, std::string_view path, std::string_view query) {
    // "//host/" would be another authority (RFC 3986 §4.2); a backslash is a slash to browsers, and encode_path escapes it.
    while (path.starts_with("//")) path.remove_prefix(1);
    std::string location(path.starts_with('/') ? "" : "/");
    location += encode_path(path);
    if (!query.empty()) location.append("?").append(query);
    Answer answer;
    answer.status = status;
    answer.head = std::make_shared<const Head>(Head::Fields{
        {"location", std::move(location)}, {"cache-control", "public, max-age=600"}, {"x-content-type-options", "nosniff"}});
    return answer;
}

}  // namespace selvage::http
