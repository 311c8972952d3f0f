#include "server/http/head.h"

#include <utility>

namespace selvage::http {

HeadPtr not_modified_head(const Head& head) {
    Head::Fields fields;
    fields.reserve(head.fields().size());
    for (const auto& [name, value] : head.fields()) {
        // accept-ranges says nothing about a body that the client has already; the others describe one that is not sent.
        if (name == "content-type" || name == "content-encoding" || name == "content-length" || name == "content-range" ||
            name == "accept-ranges" || name == "use-as-dictionary") {
            continue;
        }
        fields.emplace_back(name, value);
    }
    return std::make_shared<const Head>(std::move(fields));
}

}  // namespace selvage::http
