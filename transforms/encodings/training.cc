#include "transforms/encodings/training.h"

#define ZDICT_STATIC_LINKING_ONLY  // fastCover, since 1.3.7
#include <zdict.h>

#include <vector>

namespace selvage::transforms {

Result<std::string> train_dictionary(std::span<const std::string_view> samples, std::size_t most) {
    std::string all;
    std::vector<std::size_t> sizes;
    for (const std::string_view sample : samples) {
        all.append(sample);
        sizes.push_back(sample.size());
    }
    ZDICT_fastCover_params_t parameters{};
    parameters.k = 1024;
    parameters.d = 8;
    parameters.f = 20;
    parameters.accel = 1;
    std::string made(most, '\0');
    const std::size_t size = ZDICT_trainFromBuffer_fastCover(made.data(), made.size(), all.data(), sizes.data(),
                                                             static_cast<unsigned>(sizes.size()), parameters);
    if (ZDICT_isError(size)) return fail(ErrorKind::Unsupported, ZDICT_getErrorName(size));
    made.resize(size);
    // Tables of a format that browsers do not read.
    const std::size_t header = ZDICT_getDictHeaderSize(made.data(), made.size());
    if (!ZDICT_isError(header)) made.erase(0, header);
    return made;
}

}  // namespace selvage::transforms
