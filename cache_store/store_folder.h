#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/file_descriptor.h"
#include "base/result.h"

// The folder of a store:
//
//   FOLDER/objects/lock          held with flock(2) by the one process that uses the folder
//   FOLDER/objects/v1/xx/HEX     one object: HEX is its key in 32 lower-case digits, xx the first two of them
//   FOLDER/objects/v1/tmp-P-N    an object being written by process P; what is left of these is removed on opening
//
// Other names are not ours: they are neither touched nor counted.
namespace selvage::cache_store {

struct StoreFolder {
    FileDescriptor store;    // FOLDER/objects
    FileDescriptor lock;     // nothing while another process has the folder
    FileDescriptor objects;  // FOLDER/objects/v1, the folder that names are relative to
};

struct FoundObject {
    Key128 key;
    std::uint64_t bytes = 0;
    std::int64_t modified = 0;  // nanoseconds since 1970
};

struct Inventory {
    std::vector<FoundObject> objects;  // least recently modified first
    std::size_t leftovers = 0;         // temporaries that were removed
    std::size_t strangers = 0;         // names that are not ours
};

inline constexpr std::string_view kTemporaryPrefix = "tmp-";

// Creates what is missing, and takes the lock.
// Errors: Overloaded when another process (or another store of this one) holds the lock; Internal with the reason otherwise.
Result<StoreFolder> open_store_folder(const std::string& folder);

// The lock of FOLDER/objects. Errors: as above.
Result<FileDescriptor> take_lock(int store);

// Lists names and sizes without opening an object, and removes temporaries.
// Errors: Internal when a folder cannot be listed to its end, for then the byte limit could not be kept.
Result<Inventory> take_inventory(int objects);

// "xx/HEX", relative to StoreFolder::objects.
std::string object_name(const Key128& key);

// The key that 32 lower-case hexadecimal digits spell, or nothing.
std::optional<Key128> key_of_hex(std::string_view digits);

}  // namespace selvage::cache_store
