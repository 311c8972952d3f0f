#include "server/http/http2/head_block.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

namespace selvage::http {

namespace {

struct DeflaterFree {
    void operator()(nghttp2_hd_deflater* deflater) const { nghttp2_hd_deflate_del(deflater); }
};

constexpr std::size_t kDefaultTable = 4'096;

std::uint8_t* bytes(std::string_view text) {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
}

// nghttp2's encoder, for one field at a time.
class Deflater {
public:
    explicit Deflater(std::size_t table) {
        nghttp2_hd_deflater* raw = nullptr;
        if (nghttp2_hd_deflate_new(&raw, kDefaultTable) != 0) throw std::bad_alloc();
        native_.reset(raw);
        if (table == kDefaultTable) return;
        nghttp2_hd_deflate_change_table_size(raw, table);
        deflate(nullptr, 0);  // says so in the first block, which is none of ours
    }

    std::string field(std::string_view name, std::string_view value) {
        const nghttp2_nv field{bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
        return deflate(&field, 1);
    }

private:
    std::string deflate(const nghttp2_nv* fields, std::size_t count) {
        std::string block(nghttp2_hd_deflate_bound(native_.get(), fields, count), '\0');
        const ssize_t size = nghttp2_hd_deflate_hd(native_.get(), bytes(block), block.size(), fields, count);
        block.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
        return block;
    }

    std::unique_ptr<nghttp2_hd_deflater, DeflaterFree> native_;
};

// Of one resource, or of one request: worth no place in anybody's table.
constexpr std::array kOwn = std::to_array<std::string_view>({
    "content-disposition",
    "content-length",
    "content-range",
    "date",
    "etag",
    "last-modified",
    "link",
    "location",
    "set-cookie",
    "x-img",
});

struct Shared {
    std::string name, value;
    std::string literal;  // leaves the table alone
    std::string indexed;  // enters the table
    std::uint32_t table_bytes = 0;
};

// Filled from the front, never changed: who has a number may read its row without a lock.
class Registry {
public:
    static Registry& instance() {
        static Registry registry;
        return registry;
    }

    SharedField number_of(std::string_view name, std::string_view value) {
        const std::lock_guard lock(mutex_);
        for (std::size_t i = 1; i <= used_; ++i) {
            if (rows_[i].name == name && rows_[i].value == value) return static_cast<SharedField>(i);
        }
        if (used_ + 1 == rows_.size()) return 0;
        Shared row{.name = std::string(name),
                   .value = std::string(value),
                   .literal = encode_literal(name, value),
                   .indexed = Deflater(kDefaultTable).field(name, value),
                   .table_bytes = static_cast<std::uint32_t>(name.size() + value.size() + 32)};  // RFC 7541 §4.1
        constexpr unsigned kWithIndexing = 0x40;                                                 // §6.2.1
        constexpr unsigned kIndexed = 0x80;                                                      // §6.1: in the static table
        const auto first = static_cast<unsigned char>(row.indexed.front());
        if ((first & kIndexed) != 0 || (first & kWithIndexing) == 0) return 0;
        rows_[++used_] = std::move(row);
        return static_cast<SharedField>(used_);
    }

    const Shared& row(SharedField field) const { return rows_[field]; }

private:
    std::mutex mutex_;
    std::size_t used_ = 0;
    std::array<Shared, 64> rows_;
};

}  // namespace

std::string encode_literal(std::string_view name, std::string_view value) {
    thread_local Deflater deflater(0);  // without a table it has no state
    return deflater.field(name, value);
}

SharedField share_field(std::string_view name, std::string_view value) {
    static_assert(SharedFieldTable::kMostShared == std::tuple_size_v<decltype(SharedFieldTable::place_)>);
    constexpr std::size_t kLongest = 240;  // kMostSharedBytes with what says so
    if (name.size() + value.size() > kLongest || std::ranges::find(kOwn, name) != kOwn.end()) return 0;
    return Registry::instance().number_of(name, value);
}

HeadBlock::HeadBlock(const std::vector<std::pair<std::string, std::string>>& fields) {
    for (const auto& [name, value] : fields) {
        if (const SharedField shared = share_field(name, value)) {
            shared_.push_back(shared);
        } else {
            literals_ += encode_literal(name, value);
        }
    }
}

char* SharedFieldTable::write(SharedField field, char* at) {
    constexpr unsigned kStaticEntries = 61;
    constexpr unsigned kIndexed = 0x80;
    if (place_[field] != 0) {
        // The newest entry has the lowest index. At most 61 + 63: always one byte.
        *at = static_cast<char>(kIndexed | (kStaticEntries + 1 + entries_ - place_[field]));
        return at + 1;
    }
    const Shared& row = Registry::instance().row(field);
    const bool enters = !given_up_ && bytes_ + row.table_bytes <= kTableBytes;
    if (enters) {
        place_[field] = ++entries_;
        bytes_ += row.table_bytes;
    }
    const std::string& coded = enters ? row.indexed : row.literal;
    return std::ranges::copy(coded, at).out;
}

void SharedFieldTable::limit(std::uint32_t bytes) {
    if (bytes >= kTableBytes || given_up_) return;
    place_ = {};
    given_up_ = announce_ = true;
}

char* SharedFieldTable::begin(char* at) {
    constexpr char kSizeZero = 0x20;  // RFC 7541 §6.3
    if (!std::exchange(announce_, false)) return at;
    *at = kSizeZero;
    return at + 1;
}

}  // namespace selvage::http
