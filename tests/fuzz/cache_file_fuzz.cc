// Arbitrary bytes as an object file of the disk tier.
//
// Claims: the decoder never crashes; what it accepts is exactly what the encoder would have written; no file is sound under
// another key. Random bytes never get past two checksums, so every input is tried twice: as it is, and with key and checksums
// made right, which reaches the lengths and fields behind them.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "cache_store/object_file.h"

using namespace selvage;
using namespace selvage::cache_store;

namespace {

constexpr Key128 kKey{.high = 0x0123456789ABCDEF, .low = 0xFEDCBA9876543210};
constexpr Key128 kOtherKey{.high = 1, .low = 2};

void require(bool claim) {
    if (!claim) std::abort();
}

void try_file(std::string_view file) {
    const auto object = decode_object(file, kKey);
    if (!object) {
        require(!name_of(object.error()).empty());
        return;
    }
    require(encode_head(kKey, *object) + std::string(object->body->view()) == file);
    require(file_bytes(*object) == file.size());
    require(!decode_object(file, kOtherKey));
}

template <typename Number>
void put_at(std::string& file, std::size_t offset, Number number) {
    std::memcpy(file.data() + offset, &number, sizeof number);
}

// Magic, version, key and checksums as they have to be for the lengths that the input claims; offsets as in object_file.h.
std::string repaired(std::string_view input) {
    std::string file(input);
    std::memcpy(file.data(), "selvage\n", 8);
    put_at(file, 16, kFileVersion);
    put_at(file, 32, kKey.high);
    put_at(file, 40, kKey.low);
    std::uint32_t meta_bytes = 0;
    std::memcpy(&meta_bytes, file.data() + 20, sizeof meta_bytes);
    const auto head_bytes = std::min<std::size_t>(file.size(), kHeaderBytes + std::size_t{meta_bytes});
    put_at(file, 24, std::uint64_t{file.size() - head_bytes});
    put_at(file, 96, checksum64(std::string_view(file).substr(head_bytes)));
    put_at(file, 8, checksum64(std::string_view(file).substr(16, head_bytes - 16)));
    return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    try_file(input);
    if (size >= kHeaderBytes) try_file(repaired(input));
    return 0;
}
