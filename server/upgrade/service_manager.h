#pragma once

#include <string_view>

namespace selvage::upgrade {

// Tells a service manager that asked for it (NOTIFY_SOCKET in our environment) how we are: "READY=1", "MAINPID=17", one per line.
// Does nothing when nobody asked. Source: sd_notify(3), "Notes": a datagram to a Unix socket.
void tell_service_manager(std::string_view state);

}  // namespace selvage::upgrade
