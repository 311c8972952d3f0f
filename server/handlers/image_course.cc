#include "server/handlers/image_course.h"

namespace selvage::handlers {

namespace {

using transforms::Format;
using transforms::ImageEffort;

constexpr int kMargin = 2;  // estimates of a cost are wrong by as much

}  // namespace

Course choose_course(const Situation& situation, const config::Image& settings) {
    if (situation.crowded && situation.negotiated) return {.send = Course::Send::Quickest, .effort = ImageEffort::Fast};
    const bool slow = situation.format == Format::Avif && situation.fast > settings.avif_at_once;
    if (slow && situation.negotiated && situation.background) {
        return {.send = Course::Send::Next, .effort = ImageEffort::Fast};  // it is large, and for a minute
    }
    // What cannot be made better later is made well now.
    const bool hurried = situation.improvable && situation.idle_workers == 0;
    return {.send = Course::Send::Asked, .effort = hurried ? ImageEffort::Fast : ImageEffort::Usual};
}

bool can_improve(std::chrono::microseconds cost, const config::Image& settings) {
    return settings.upgrade && cost * kMargin <= settings.worker_cpu;
}

}  // namespace selvage::handlers
