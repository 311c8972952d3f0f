#pragma once

#include <array>
#include <memory>
#include <string>

#include "server/handlers/answering.h"
#include "server/handlers/handler.h"
#include "server/handlers/image_variant.h"
#include "server/representations/request_tags.h"

namespace selvage::handlers {

// Why an image's URL leads here, and not to the file.
enum class ImageUrl : std::uint8_t {
    Transforms,  // it says what is to be done
    Plain,       // it says nothing, and fm=auto is applied
    Former,      // it says what is to be done; but the file is no image any more, though its predecessor was one
};

// An image changed as its URL says: found, made, or stood in for.
class Image final : public Resource {
public:
    // `file`: the file as it is; needed unless the URL transforms.
    Image(Services& services, const Located& located, std::string_view query, transforms::ImageRequest asked, ImageUrl url,
          ResourcePtr file);

    http::Reply respond(const http::Request& request) override;
    const catalogue::Source* source() const override { return located_.source.get(); }

private:
    class Making;  // image_making.cc

    std::shared_ptr<Image> shared() { return std::static_pointer_cast<Image>(shared_from_this()); }
    const config::Config& settings() const { return *located_.snapshot->config; }
    representations::Images& images() const { return services_.images; }

    // Which variant.
    Variant& variant_for(const http::Request& request);
    Variant* before(Variant& variant, std::chrono::seconds window) const;
    Variant* in_other_format(Variant& variant, Course::Send send);
    Variant& without(Variant& variant, std::size_t formats);
    cache_store::Found find_now(const Variant& variant);

    // What is done when it is not in memory.
    http::Reply missed(const http::Request& request, Variant& variant);
    http::Reply serve(const http::Request& request, Variant& variant);
    http::Reply former(const http::Request& request);
    http::Reply not_ready(const http::Request& request);
    bool file_will_do(const Error& failure) const;
    http::Reply as_it_is(const http::Request& request);
    enum class Charge : std::uint8_t { Client, Nobody };  // whose miss it is
    http::Pending make(const http::Request& request, Variant& variant, transforms::ImageEffort effort, Charge charge);

    // What is made, now or in the background.
    Course course_for(const Variant& variant) const;
    representations::ImageTask task(const Variant& variant, transforms::ImageEffort effort);
    representations::ImageTask background_task(const Variant& variant);
    void refresh(Variant& variant, bool remake);
    void make_better(Variant& variant, http::Counter why);
    void make_siblings(const Variant& variant);

    // What is sent.
    http::Answer refuse(const Error& error) const;
    http::Reply found_answer(const http::Request& request, Variant& variant, const cache_store::Found& found,
                             http::Verdict verdict);
    http::Answer filled_answer(const http::Request& request, Variant& variant, const representations::Filled& filled);
    http::Reply stand_in(const http::Request& request, Variant& old, const cache_store::ObjectPtr& object, http::Counter why);
    http::Reply answer(const http::Request& request, Variant& variant, const cache_store::ObjectPtr& object,
                       http::Verdict verdict, Life life, const http::OpenFilePtr& file);
    http::Reply first_answer(const http::Request& request, Variant& variant, const representations::Filled& filled);
    http::Reply compose(const http::Request& request, const Variant& variant, const LastSent& sent,
                        const cache_store::ObjectPtr& object, http::Verdict verdict, const http::OpenFilePtr& file);
    bool read_facts(LastSent& sent, const Variant& variant, const cache_store::ObjectPtr& object, Life life,
                    http::Verdict verdict, std::uint64_t size);
    bool source_is_better(const Variant& variant, std::uint64_t size) const;
    HeadCache::Heads heads(const ImageHeadFacts& facts);

    Services& services_;
    const Located located_;
    const transforms::ImageRequest asked_;
    const ImageUrl url_;
    const VersionMatch version_;
    const std::string notes_;
    const ResourcePtr file_;
    representations::RequestTags tags_;
    std::array<std::unique_ptr<Variant>, 8> variants_;  // by what the client accepts; made when first asked for
};

}  // namespace selvage::handlers
