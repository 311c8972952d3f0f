// Operations on a store of two tiers, as the input says, beside a map with a purge clock.
//
// Claims: a look-up may miss, but what it finds is byte for byte what was put under that key, born after every purge that
// concerns it and was acknowledged before, stale when a soft one does, and not something that was erased or replaced. Also after
// a restart, a kill, a loss of power and on a disk that fails. tests/cache_store/torture/model.h has them in full.
#include <cstdio>
#include <cstdlib>

#include "tests/cache_store/torture/disk.h"
#include "tests/cache_store/torture/run.h"

using namespace selvage;
using namespace selvage::torture;

namespace {

void require_right(const Trial& trial) {
    if (trial.wrong.empty()) return;
    std::fputs((told(trial) + "\n").c_str(), stderr);
    std::abort();
}

enum class End : std::uint8_t { Closed, Failing, Killed, PowerLost };

// From one opening to the next.
void live(Trial& trial, Dice& dice) {
    Disk disk;
    const auto end = static_cast<End>(dice.roll(4));
    const auto fault = dice.roll(4);
    trial.unreliable = end == End::Failing;
    disk.rule([&](const Call& call) -> Fate {
        trial.interrupt();
        if (end != End::Failing || fault == 0 || !trial.dice().one_in(8)) return {};
        if (fault == 1 && call.kind == Call::Kind::Write) return {.longest = 1000};
        return {.error = fault == 2 ? EIO : ENOSPC};
    });
    trial.open(disk);
    if (end == End::Killed || end == End::PowerLost) disk.cut_after(1 + dice.roll(200), dice.roll(65536));
    for (int step = 0; step < 150 && !disk.was_cut() && !trial.dice().used_up(); ++step) trial.step();
    require_right(trial);
    if (end == End::Closed || end == End::Failing) return trial.close(end == End::Closed);
    disk.cut_now();
    trial.crash();
    if (end == End::PowerLost) disk.lose_power(dice, static_cast<Loss>(dice.roll(3)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    if (size < 8) return 0;
    const Ground ground;
    Dice lives(input.substr(0, size / 8));
    Trial trial(ground.path(), {.keys = 12, .interrupted = true}, Dice(input.substr(size / 8)));
    trial.may_be_cold = true;  // a journal that cannot be opened: everything is forgotten with it
    for (int life = 0; life < 6 && !trial.dice().used_up(); ++life) live(trial, lives);
    Disk disk;
    trial.open(disk);
    trial.read_all();
    trial.work_off();
    trial.read_all();
    trial.close(true);
    require_right(trial);
    return 0;
}
