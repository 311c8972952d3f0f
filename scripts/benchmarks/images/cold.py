"""Cold and alone: each photograph at each width in each format, one request after the other, nothing made before."""
import sys
import time

from . import asking, engines, services

WIDTHS = [320, 640, 1080, 1920]
FORMATS = ["jpeg", "webp", "avif"]
# What a server does behind its last answer (writes to its cache, frees memory) belongs to what it costs.
SETTLE = 0.05
# A contender that needs more than this for a cell, s of CPU, is measured in the first round only: chance is small beside that.
LONG = 6.0


def name_of(format, width):
    return f"{format} {width}"


def measure(bench, started, rounds, widths, only="", formats=FORMATS):
    """`started`: services and engines. (cells as the page wants them, contender → Wish → body of the first round)"""
    cells = [{"name": name_of(format, width), "group": format, "samples": {}} for format in formats for width in widths if only in name_of(format, width)]
    made = {contender.name: {} for contender in started}
    for number in range(rounds):
        for cell in cells:
            for contender in started:
                samples = cell["samples"].setdefault(contender.name, [])
                if number and samples[0].get("cpu", 0) * len(bench.names) > LONG * 1e3:
                    continue
                format, width = cell["name"].split()
                wishes = [services.Wish(name, int(width), format, f"{number}-{width}") for name in bench.names]
                samples.append(one(contender, wishes, made[contender.name] if number == 0 else {}))
                tell(f"{number + 1}/{rounds}", cell["name"], contender.name, samples[-1])
    return cells, made


def one(contender, wishes, made):
    """ms of CPU per image, ms that each took, mean bytes; or what went wrong."""
    try:
        cpu, seconds, bodies = contender.make(wishes) if contender.name in engines.ENGINES else ask(contender, wishes)
    except asking.Failed as error:
        return {"error": str(error)}
    made.update({(wish.photograph, wish.width, wish.format): body for wish, body in zip(wishes, bodies)})
    walls = sorted(second * 1e3 for second in seconds)
    return {"cpu": cpu / len(wishes) * 1e3, "walls": walls, "p50": walls[len(walls) // 2], "p99": walls[-1],
            "bytes": sum(map(len, bodies)) / len(bodies)}


def ask(service, wishes):
    before = service.cpu_seconds()
    answers = [asking.ask_once(service, wish) for wish in wishes]
    time.sleep(SETTLE)
    return service.cpu_seconds() - before, [answer.seconds for answer in answers], [answer.body for answer in answers]


def tell(progress, cell, name, sample):
    told = (f"ERROR {sample['error'][:200]}" if "error" in sample else
            f"{sample['cpu']:8.1f} ms of CPU   p50 {sample['p50']:8.1f} ms   {sample['bytes'] / 1e3:8.1f} kB")
    print(f"bench: {progress}  {cell:12} {name:14} {told}", file=sys.stderr, flush=True)
