#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace selvage::http {

struct Field {
    std::string_view name;  // lower case
    std::string_view value;
};

// The request fields that something here reads: they are found without a search. To read another one, add its line.
inline constexpr std::array kKnownFields = std::to_array<std::string_view>({
    "accept",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "available-dictionary",
    "content-length",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "origin",
    "priority",
    "range",
    "referer",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "user-agent",
});

// The place of a name in kKnownFields, or its size for any other.
constexpr std::size_t known_place(std::string_view lower_case_name) {
    for (std::size_t place = 0; place < kKnownFields.size(); ++place) {
        const std::string_view known = kKnownFields[place];
        // The last character tells most names of one length apart.
        if (known.size() == lower_case_name.size() && known.back() == lower_case_name.back() && known == lower_case_name)
            return place;
    }
    return kKnownFields.size();
}

// The literal name of a known field; any other does not compile.
class KnownName {
public:
    consteval KnownName(const char* name) : place_(known_place(name)) {  // NOLINT(google-explicit-constructor): reads as a string
        if (place_ == kKnownFields.size()) throw "not in kKnownFields";
    }
    constexpr std::size_t place() const { return place_; }

private:
    std::size_t place_;
};

// The fields of a request in their order, each name once.
class FieldList {
public:
    FieldList() = default;
    FieldList(std::initializer_list<Field> fields) {
        for (const Field& field : fields) push_back(field);
    }
    explicit FieldList(const std::vector<Field>& fields) {
        for (const Field& field : fields) push_back(field);
    }

    void clear() {
        fields_.clear();
        slots_ = {};
    }
    void push_back(const Field& field) { push_back(field, known_place(field.name)); }
    void push_back(const Field& field, std::size_t place) {  // place: known_place(field.name)
        fields_.push_back(field);
        if (place < kKnownFields.size() && fields_.size() < 256) slots_[place] = static_cast<std::uint8_t>(fields_.size());
    }

    const Field* find(KnownName name) const {
        const std::uint8_t slot = slots_[name.place()];
        return slot == 0 ? nullptr : &fields_[slot - 1];
    }
    // Null when absent; `place` as known_place() tells it. The other names are searched for.
    Field* find(std::string_view name, std::size_t place) {
        if (place < kKnownFields.size()) return slots_[place] == 0 ? nullptr : &fields_[slots_[place] - 1];
        for (Field& field : fields_) {
            if (field.name == name) return &field;
        }
        return nullptr;
    }

    std::size_t size() const { return fields_.size(); }
    auto begin() const { return fields_.begin(); }
    auto end() const { return fields_.end(); }

private:
    std::vector<Field> fields_;
    std::array<std::uint8_t, kKnownFields.size()> slots_{};  // 1 + the field's place in fields_; 0: absent
};

}  // namespace selvage::http
