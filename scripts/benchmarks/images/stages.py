"""Many images at a time: a whole srcset at once, and crowds; and what all stages share."""
import statistics
import sys
import time

from .. import load, process
from . import asking, cold, photographs, services

SRCSET = [(width, format) for width in cold.WIDTHS for format in ("avif", "webp")]
QUIET = 0.2   # seconds without CPU after which nothing goes on behind an answer


def tell(words):
    print(f"bench: {words}", file=sys.stderr, flush=True)


def with_services(bench, names, run, cores=1):
    """Starts them, has `run(started)` done, stops them."""
    started = []
    try:
        for name in names:
            started.append(services.start(bench, name, cores))
        return run(started)
    finally:
        for service in started:
            service.stop()


def quiet(service, seconds=10):
    """Waits until the server does nothing any more, and returns its CPU clock."""
    until, last = time.monotonic() + seconds, -1.0
    while (now := service.cpu_seconds()) - last > 0.01 * QUIET and time.monotonic() < until:
        last = now
        time.sleep(QUIET)
    return now


def srcsets(bench, names, rounds):
    """Four widths in two formats of one photograph, eight requests at once. Here Selvage keeps what it makes, as it comes, so each
    round has contents of its own; the others are asked in a way that finds nothing in their caches.
    Contender → one sample per round: ms of CPU per srcset, and ms until the last answer."""
    for number in range(rounds):
        photographs.differ(bench.photographs, bench.files / "kept" / f"srcset-{number}")

    def one(service, number):
        used, walls = 0.0, []
        for name in bench.names:
            before = quiet(service)
            if service.name == services.OURS:
                wishes = [services.Wish(f"srcset-{number}/{name}", width, format) for width, format in SRCSET]
            else:
                wishes = [services.Wish(name, width, format, f"srcset-{number}") for width, format in SRCSET]
            begun = time.monotonic()
            answers, _ = asking.crowd(service, wishes, len(wishes))
            if len(answers) < len(wishes):
                raise asking.Failed(f"{service.name}: {len(wishes) - len(answers)} of a srcset were refused")
            walls.append((time.monotonic() - begun) * 1e3)
            used += quiet(service) - before
        tell(f"{number + 1}/{rounds}  srcset {service.name:10} {used / len(walls) * 1e3:8.0f} ms of CPU   p50 {statistics.median(walls):8.0f} ms")
        return {"cpu": used / len(walls) * 1e3, "p50": statistics.median(walls), "p99": max(walls)}

    return with_services(bench, names, lambda started: in_turns(started, rounds, one))


def in_turns(started, rounds, one):
    """Contender → samples; an answer that fails is a sample that says so."""
    samples = {service.name: [] for service in started}
    for number in range(rounds):
        for service in started:
            try:
                samples[service.name].append(one(service, number))
            except (asking.Failed, load.Unfit) as error:
                samples[service.name].append({"error": str(error)})
                tell(f"{service.name}: {error}")
    return samples


CLIENTS = [1, 2, 8]


def crowds(bench, names, seconds, rounds):
    """Images of 640 pixels per second at so many clients; the servers have both cores, of which the clients need little.
    Cells as the page wants them."""
    cells = []

    def run(started):
        for format in cold.FORMATS:
            for clients in CLIENTS:
                samples = in_turns(started, rounds, lambda service, number: crowd(bench, service, format, clients, seconds, number))
                cells.append({"name": f"{format} 640, {clients} client{'s' * (clients > 1)}", "group": "crowds", "samples": samples})
        return cells

    return with_services(bench, names, run, cores=2)


def many(bench, turn, width, format, fresh):
    """One of many wishes at a time, each for an image of its own."""
    return services.Wish(bench.names[turn % len(bench.names)], width, format, f"{fresh}-{turn}", turn // len(bench.names) % photographs.COPIES)


def crowd(bench, service, format, clients, seconds, number):
    wishes = (many(bench, turn, 640, format, f"crowd-{clients}-{number}") for turn in range(1_000_000))
    watch = process.Stopwatch(service)
    answers, refused = asking.crowd(service, wishes, clients, seconds)
    took, used = watch.read()
    p50, p99 = load.percentiles([answer.seconds * 1e3 for answer in answers])
    tell(f"{format} 640, {clients} clients  {service.name:10} {len(answers) / took:6.1f} /s   p50 {p50:7.1f}  p99 {p99:7.1f} ms" + (f"  {refused} refused" if refused else ""))
    return {"rate": len(answers) / took, "cpu": used / max(len(answers), 1) * 1e3, "p50": p50, "p99": p99, "refused": refused}


def finished(service, wish, path=None, seconds=20):
    """The body once nothing better is under way: asked for again until its answer is not an interim one."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        answer = asking.ask_once(service, wish, path)
        if not answer.fields.get("x-img", "").startswith("upgrade"):
            return answer.body
        time.sleep(0.02)
    return None
