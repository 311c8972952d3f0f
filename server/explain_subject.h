#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/catalogue/folder_votes.h"
#include "server/explain_house.h"
#include "server/handlers/answering.h"
#include "server/handlers/image_variant.h"
#include "server/http/cache_policy.h"
#include "transforms/plan.h"

namespace selvage::server {

// A request as it is explained: texts that a Request refers to.
struct Asked {
    std::string scheme = "https";
    std::string authority;
    std::string target;                                       // "/path?query"
    std::vector<std::pair<std::string, std::string>> fields;  // names in lower case
    bool as_browser = false;                                  // they are ours
    bool any_site = false;                                    // no host was named
};

// What an image's URL asks for, as far as it could be read.
struct AskedImage {
    std::optional<Error> refused;
    transforms::ImageRequest request;
    bool plain = false;                        // the URL says nothing: fm=auto
    std::optional<handlers::Variant> variant;  // for this client
    cache_store::ObjectPtr stored;
};

// All that is known of a request before it is explained. What has not been reached is empty: no site, nothing at the path …
struct Subject {
    const config::Config& config;
    const Asked& asked;
    ExplainHouse& house;
    http::Request request;
    const Site* site = nullptr;
    std::string path;   // normalised
    std::string query;  // raw
    const config::Rule* rule = nullptr;
    std::string missing;  // why there is no file
    catalogue::SourcePtr source;
    bool is_kept = false;  // the folder has it no longer
    catalogue::Standing standing;
    std::optional<AskedImage> image;
    std::optional<http::Answer> answer;  // none: a variant would have to be made

    std::string file() const;                                 // where it lies
    std::string_view answered(std::string_view field) const;  // "" when the answer has none, or there is none
    http::CacheFacts cache_facts() const;
};

// Follows the request through the house. Errors: BadRequest for a URL that none is.
Result<Subject> look_at(const config::Config& config, const Asked& asked, ExplainHouse& house);

// "https://host/path" or "/path", and "Name: value" lines. Errors: BadRequest.
Result<Asked> asked_of(const config::Config& config, std::string_view url, const std::vector<std::string>& headers);

}  // namespace selvage::server
