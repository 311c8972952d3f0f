#include "cache_store/disk/log_body.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace selvage::cache_store {
namespace {

class BodyInMemory final : public StoredBody {
public:
    explicit BodyInMemory(ObjectPtr object) : whole_(std::move(object)), head_(*whole_) { head_.body = nullptr; }

    const Object& object() const override { return head_; }
    std::uint64_t size() const override { return whole_->body->size(); }
    std::expected<std::size_t, Failure> read_now(std::uint64_t offset, char* into, std::size_t bytes) override {
        return whole_->body->view().copy(into, bytes, offset);
    }
    std::expected<std::size_t, Failure> read(std::uint64_t offset, char* into, std::size_t bytes) override {
        return read_now(offset, into, bytes);
    }

private:
    const ObjectPtr whole_;
    Object head_;
};

class BodyInParts final : public StoredBody {
public:
    BodyInParts(std::shared_ptr<LogContents> contents, const Key128& key, const RecordHeader& header, Object object, Parts parts)
        : contents_(std::move(contents)), key_(key), header_(header), object_(std::move(object)), parts_(std::move(parts)) {}
    ~BodyInParts() override { contents_->unpin(parts_); }
    BodyInParts(const BodyInParts&) = delete;
    BodyInParts& operator=(const BodyInParts&) = delete;

    const Object& object() const override { return object_; }
    std::uint64_t size() const override { return header_.body_length; }
    std::expected<std::size_t, Failure> read_now(std::uint64_t offset, char* into, std::size_t bytes) override {
        return read(offset, into, bytes, Patience::Now);
    }
    std::expected<std::size_t, Failure> read(std::uint64_t offset, char* into, std::size_t bytes) override {
        return read(offset, into, bytes, Patience::Wait);
    }

private:
    std::expected<std::size_t, Failure> read(std::uint64_t offset, char* into, std::size_t bytes, Patience patience) {
        const auto part = static_cast<std::uint32_t>(offset / header_.part_length);
        if (part >= parts_.locations.size()) return std::unexpected(Failure::Broken);
        if (!holds_ || held_ != part) {
            if (const auto taken = take(part, patience); !taken) return std::unexpected(taken.error());
        }
        return body_.copy(into, bytes, offset % header_.part_length);
    }

    std::expected<void, Failure> take(std::uint32_t part, Patience patience);
    std::expected<std::string_view, ReadEnd> verified(std::uint32_t part, const Life& life, std::string_view record) const;
    Key128 slot(std::uint32_t part) const { return part_key(key_, header_.body_checksum, part); }
    Life life_of(const Location& location) const {
        return std::ranges::find(parts_.pins, location.segment, &Parts::Pin::segment)->life;
    }

    const std::shared_ptr<LogContents> contents_;
    const Key128 key_;
    const RecordHeader header_;
    const Object object_;
    const Parts parts_;

    bool holds_ = false;
    std::uint32_t held_ = 0;  // the part that is in record_
    ReadBytes record_;
    std::string_view body_;
};

std::expected<void, StoredBody::Failure> BodyInParts::take(std::uint32_t part, Patience patience) {
    const Location& location = parts_.locations[part];
    const auto place = contents_->place(location, life_of(location));
    if (!place) return std::unexpected(Failure::Broken);
    auto record = read_bytes(*place->file, location.offset, location.length, patience);
    if (!record) {
        const bool blocks = record.error() == ReadFault::WouldBlock;
        contents_->ended(slot(part), *place, blocks ? ReadEnd::WouldBlock : ReadEnd::Failed);
        return std::unexpected(blocks ? Failure::WouldBlock : Failure::Broken);
    }
    const auto body = verified(part, place->life, record->view());
    if (!body) {
        contents_->ended(slot(part), *place, body.error());
        return std::unexpected(Failure::Broken);
    }
    record_ = *std::move(record);
    body_ = *body;
    held_ = part;
    holds_ = true;
    return {};
}

std::expected<std::string_view, ReadEnd> BodyInParts::verified(std::uint32_t part, const Life& life,
                                                               std::string_view record) const {
    const auto header = parse_record_head(record);
    if (!header) return std::unexpected(ReadEnd::Corrupt);
    const std::uint64_t left = header_.body_length - std::uint64_t{part} * header_.part_length;
    const bool ours = header->type == RecordType::Part && header->key == slot(part) && header->part_number == part &&
                      belongs(*header, life) && header->body_length == header_.body_length &&
                      header->body_here() == std::min<std::uint64_t>(left, header_.part_length);
    if (!ours) return std::unexpected(ReadEnd::Foreign);
    auto body = record_body(*header, record);
    if (!body) return std::unexpected(ReadEnd::Corrupt);
    return *body;
}

}  // namespace

std::shared_ptr<StoredBody> body_in_memory(ObjectPtr object) { return std::make_shared<BodyInMemory>(std::move(object)); }

std::shared_ptr<StoredBody> body_in_parts(std::shared_ptr<LogContents> contents, const Key128& key, const Place& head,
                                          Object object) {
    const auto header = read_head(head, key, RecordType::Object);
    if (!header || header->part_length == 0) {
        contents->ended(key, head, header ? ReadEnd::Corrupt : header.error());
        return nullptr;
    }
    const auto count = (header->body_length + header->part_length - 1) / header->part_length;
    auto parts = contents->pin_parts(key, header->body_checksum, static_cast<std::uint32_t>(count));
    if (!parts) {
        contents->ended(key, head, ReadEnd::Foreign);
        return nullptr;
    }
    contents->ended(key, head, ReadEnd::Hit);
    return std::make_shared<BodyInParts>(std::move(contents), key, *header, std::move(object), *std::move(parts));
}

}  // namespace selvage::cache_store
