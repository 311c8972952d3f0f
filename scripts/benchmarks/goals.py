"""What was promised, and whether this run keeps it."""
import dataclasses

from . import analysis
from .servers import FLOOR, OURS


@dataclasses.dataclass
class Verdict:
    goal: str
    limit: str
    measured: str
    met: bool | None   # None: not measured in this run


BEST = "best peer"
GOALS = [  # cell, against whom, limit of CPU per request
    ("1 KB, 32 × 32", BEST, 0.80),
    ("10 KB, 32 × 32", BEST, 0.90),
    ("100 KB, 32 × 8", BEST, 0.92),
    ("1 MB, 8 × 4", BEST, 0.92),
    ("mix, 32 × 32", BEST, 0.85),
    ("1 KB, 1 × 1", BEST, 0.90),
    ("full handshake", "nginx", 0.95),
    *((f"{size}, plain, {client}", BEST, 0.95) for client in ("wrk", "h2load") for size in ("1 KB", "10 KB", "100 KB", "1 MB")),
    ("10 KB, 32 × 32", FLOOR, 1.25),
    ("100 KB, 32 × 8", FLOOR, 1.25),
    ("1 MB, 8 × 4", FLOOR, 1.25),
]


def verdicts(numbers):
    yield from (cpu_verdict(numbers, *goal) for goal in GOALS)
    for count, sizes in numbers.get("memory", {}).items():
        yield memory_verdict(count, sizes)
    yield reload_verdict(numbers.get("reload", {}))


def cpu_verdict(numbers, name, against, limit):
    samples = analysis.cell(numbers, name) or {}
    other = analysis.best_peer(samples) if against == BEST else against
    found = analysis.ratio(samples, other)
    goal = f"{name}: CPU against {against if against == 'nginx' else 'the ' + against}"
    if found is None:
        return Verdict(goal, f"≤ {limit:.2f}", "not measured", None)
    middle, least, most = found
    # What counts is the figure that is printed.
    return Verdict(goal, f"≤ {limit:.2f}", f"{middle:.2f} ({least:.2f}–{most:.2f}) of {other}", round(middle, 2) <= limit)


def memory_verdict(count, sizes):
    ours, theirs = sizes.get(OURS), sizes.get("nginx")
    goal = f"memory of {int(count):,} idle connections against nginx"
    if ours is None or theirs is None:
        return Verdict(goal, "≤ 1.00", "not measured", None)
    return Verdict(goal, "≤ 1.00", f"{ours / theirs:.2f} ({ours:.1f} and {theirs:.1f} KiB each)", ours <= theirs)


def reload_verdict(reloads):
    ours = reloads.get(OURS)
    if ours is None:
        return Verdict("requests that fail while reloading", "0", "not measured", None)
    return Verdict("requests that fail while reloading", "0", f"{ours['failed']} of {ours['requests']} in {ours['reloads']} reloads", ours["failed"] == 0)
