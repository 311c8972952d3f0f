#pragma once

#include <chrono>
#include <cstdint>

#include "config/config.h"
#include "transforms/formats.h"
#include "transforms/order.h"

namespace selvage::handlers {

// What decides how somebody is served who waits for a variant that is not there.
struct Situation {
    transforms::Format format = transforms::Format::Jpeg;
    std::chrono::microseconds fast{0};  // to resize and encode it with the least effort; any format needs the decoding
    bool negotiated = false;            // fm=auto: another format will do
    bool improvable = false;            // what is made fast can be made better in the background
    bool background = false;            // things may be made in the background at all
    unsigned idle_workers = 0;
    bool crowded = false;  // he would wait too long for a worker, or there is no room for what is expensive
};

// What is done for him. Source: image-urls §1.3 rule 2, §3; image-engine §3.
struct Course {
    enum class Send : std::uint8_t {
        Asked,     // the variant itself is made
        Next,      // the next format that the client takes, while it is made in the background
        Quickest,  // the format that takes the least time: too much waits
    };
    Send send = Send::Asked;
    transforms::ImageEffort effort = transforms::ImageEffort::Usual;
    friend bool operator==(const Course&, const Course&) = default;
};
Course choose_course(const Situation& situation, const config::Image& settings);

// May what was made fast be made better in the background, where it takes `cost` of a worker's CPU? Not when that comes near
// what a job may take: it would be killed, and its source refused for an hour when that happens twice.
bool can_improve(std::chrono::microseconds cost, const config::Image& settings);

}  // namespace selvage::handlers
