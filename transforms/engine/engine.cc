#include "transforms/engine/engine.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <span>

#include "transforms/engine/batch.h"
#include "transforms/engine/drawing.h"
#include "transforms/engine/epoch.h"
#include "transforms/engine/formats/encoder.h"
#include "transforms/engine/loaders.h"
#include "transforms/engine/providers/provider.h"
#include "transforms/engine/source.h"

namespace selvage::transforms {
namespace {

using Clock = std::chrono::steady_clock;

// What libraries want to say about a strange file is of no use to an operator and could fill a disk: errors reach us as return
// values. Only their complaints about ourselves are printed.
GLogWriterOutput write_log(GLogLevelFlags level, const GLogField* fields, gsize count, gpointer complaints) {
    if ((level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL)) == 0) return G_LOG_WRITER_HANDLED;
    for (const GLogField& field : std::span(fields, count)) {
        if (std::string_view(field.key) != "MESSAGE") continue;
        ::dprintf(GPOINTER_TO_INT(complaints), "selvage-transform: %s\n", static_cast<const char*>(field.value));
    }
    return G_LOG_WRITER_HANDLED;
}

// First everything that reads untrusted bytes or touches files is forbidden, then our tables are allowed.
void allow_only_our_codecs() {
    vips_block_untrusted_set(TRUE);
    vips_operation_block_set("VipsForeignLoad", TRUE);
    vips_operation_block_set("VipsForeignSave", TRUE);
    for (const Loader& loader : loaders()) {
        if (loader.operation != nullptr) vips_operation_block_set(loader.operation, FALSE);
    }
    for (const Encoder& encoder : encoders()) {
        if (encoder.operation != nullptr) vips_operation_block_set(encoder.operation, FALSE);
    }
    for (const char* operation : provider::operations()) vips_operation_block_set(operation, FALSE);
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::start(int complaints) {
    g_log_set_writer_func(write_log, GINT_TO_POINTER(complaints), nullptr);
    // orc, which libvips before 8.15 has, makes code at run time; the sandbox has no executable memory for it.
    g_setenv("ORC_CODE", "emulate", TRUE);
    if (vips_init("selvage-transform") != 0) return operation_failure("libvips");
    vips_concurrency_set(1);  // two jobs on one thread each beat one job on two (image-engine §2.6)
    vips_cache_set_max(0);    // no operation is asked for twice; the cache costs 75 MB
    allow_only_our_codecs();
    prepare_drawings();
    return std::unique_ptr<Engine>(new Engine(encoder_epoch()));
}

void Engine::render(std::string_view source, Original original, std::span<const Order> orders, const worker::Limits& limits,
                    const Deliver& deliver) const {
    auto begun = Clock::now();
    const auto opened = Source::open(source, limits);
    if (!opened) {
        for (std::size_t index = 0; index < orders.size(); ++index) deliver(index, std::unexpected(opened.error()));
        return;
    }
    const Size upright = original.stands_in() ? Size{original.width, original.height} : opened->upright();
    Batch batch(*opened, upright, orders, limits);
    for (std::size_t index = 0; index < orders.size(); ++index) {
        deliver(index, batch.carry_out(index, begun));
        begun = Clock::now();
    }
}

Result<Output> Engine::render(std::string_view source, const Order& order, const worker::Limits& limits) const {
    Result<Output> made = fail(ErrorKind::Internal, "not delivered", "operation_failed");
    render(source, {}, {&order, 1}, limits, [&](std::size_t, Result<Output> output) { made = std::move(output); });
    return made;
}

namespace {

template <typename Rows>
std::uint32_t bits_of(const Rows& rows) {
    std::uint32_t bits = 0;
    for (const auto& row : rows) bits |= 1U << static_cast<unsigned>(row.format);
    return bits;
}

}  // namespace

std::uint32_t Engine::can_load() const { return bits_of(loaders()); }
std::uint32_t Engine::can_save() const { return bits_of(encoders()); }

}  // namespace selvage::transforms
