"""What the work costs besides time: memory, and what static files notice."""
import random
import threading
import time

from .. import load
from . import asking, cold, services, stages

MIXED_CLIENTS, BUSY_CLIENTS = 2, 8
# Per cent of the mixed jobs: (format, width).
MIX = {("jpeg", 320): 10, ("jpeg", 640): 15, ("jpeg", 1080): 10, ("jpeg", 1920): 5, ("webp", 320): 10, ("webp", 640): 15, ("webp", 1080): 10,
       ("webp", 1920): 5, ("avif", 320): 8, ("avif", 640): 8, ("avif", 1080): 4}

GIVEN_BACK = 3   # seconds: allocators give memory back when a process has had nothing to do for a moment


def memory(bench, names, jobs):
    """`jobs`: contender → mixed jobs, from the same beginning of one list. Of fresh servers, at two clients: the most MB (proportional
    set size) that was seen, the most that each process ever had resident, added up; MB after, when all is quiet."""
    chance = random.Random(6)
    kinds = chance.choices(list(MIX), MIX.values(), k=max(jobs.values()))
    wishes = [stages.many(bench, number, width, format, "mixed") for number, (format, width) in enumerate(kinds)]

    def one(started):
        service, = started
        time.sleep(GIVEN_BACK)
        idle = service.memory_bytes()
        begun, cpu = time.monotonic(), service.cpu_seconds()
        peak, refused = watched(service, lambda: asking.crowd(service, wishes[:jobs[service.name]], MIXED_CLIENTS))
        took = time.monotonic() - begun
        stages.quiet(service)
        time.sleep(GIVEN_BACK)
        found = {"jobs": jobs[service.name], "refused": refused, "idle": idle / 1e6, "peak": peak / 1e6, "resident": service.peak_bytes() / 1e6,
                 "after": service.memory_bytes() / 1e6, "seconds": took, "cpu": (service.cpu_seconds() - cpu) * 1e3 / jobs[service.name]}
        stages.tell(f"memory  {service.name:10} {found['jobs']} jobs: peak {found['peak']:.0f} MB, after {found['after']:.0f} MB, {took:.0f} s")
        return found

    def attempt(name):
        try:
            return stages.with_services(bench, [name], one, cores=2)
        except asking.Failed as error:
            stages.tell(str(error))
            return {"error": str(error)}

    return {name: attempt(name) for name in names}


def watched(service, run):
    """The most memory that was seen while it ran."""
    seen, over = [service.memory_bytes()], threading.Event()

    def watch():
        while not over.wait(0.02):
            seen.append(service.memory_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        _, refused = run()
    finally:
        over.set()
        watcher.join()
    return max(seen), refused


def statics(bench, seconds, rounds):
    """Latencies of a static file of 10 KB, asked for 400 times a second over four connections, while nobody asks for anything else,
    and while eight clients ask for AVIFs that nobody has made. All of the server is on one core. One sample per round, µs."""
    (bench.files / "static.bin").write_bytes(b"x" * 10_240)

    def run(started):
        started[0].wait_for(started[0].https + "/static.bin")
        return [disturbed(bench, started[0], seconds, number) for number in range(rounds)]

    return stages.with_services(bench, [services.OURS], run)


def disturbed(bench, service, seconds, number):
    paced = lambda: load.h2load(service, service.https + "/static.bin", seconds, 0.3, 4, 1, pace=100)
    wishes = (stages.many(bench, turn, cold.WIDTHS[turn % 3], "avif", f"static-{number}") for turn in range(1_000_000))
    told, failed = ([], 0), []

    def ask():
        nonlocal told
        try:
            told = asking.crowd(service, wishes, BUSY_CLIENTS, seconds + 1.5)
        except asking.Failed as error:
            failed.append(str(error))

    idle, crowd = paced(), threading.Thread(target=ask)
    crowd.start()
    time.sleep(0.5)
    busy = paced()
    crowd.join()
    stages.tell(f"statics  p50 {idle.p50:.0f} and {busy.p50:.0f} µs, p99 {idle.p99:.0f} and {busy.p99:.0f} µs, beside {len(told[0])} AVIFs, "
                f"{told[1]} refused {failed or ''}")
    return {"idle": {"p50": idle.p50, "p99": idle.p99}, "busy": {"p50": busy.p50, "p99": busy.p99}, "images": len(told[0]),
            "refused": told[1], "failed": failed}
