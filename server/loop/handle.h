#pragma once

#include <uv.h>

#include <memory>

namespace selvage::loop {

// Owns a libuv handle: closes it, and frees it in the close callback, the only place where libuv allows that.
struct CloseHandle {
    template <typename Handle>
    void operator()(Handle* handle) const {
        handle->data = nullptr;  // callbacks that still arrive find nobody
        uv_close(reinterpret_cast<uv_handle_t*>(handle), [](uv_handle_t* closed) { delete reinterpret_cast<Handle*>(closed); });
    }
};

template <typename Handle>
using HandlePtr = std::unique_ptr<Handle, CloseHandle>;

}  // namespace selvage::loop
