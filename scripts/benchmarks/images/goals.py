"""What issue and specification promise of images, and whether this run keeps it."""
import statistics

from .. import analysis
from ..goals import Verdict
from . import hits, scoring, services

# ms of CPU per image, cold and alone (image-engine §1).
COLD = {"jpeg 320": 30, "jpeg 640": 35, "jpeg 1080": 60, "webp 320": 35, "webp 640": 60, "webp 1080": 130, "avif 320": 60, "avif 640": 100, "avif 1080": 250}
# Our bytes as a part of a peer's at the score of the peer's image: of jpeg and webp against every peer; of avif against Next with
# Debian's libaom (with one of 3.12 or newer the limit is 1).
BYTES = {"jpeg": (1.0, None), "webp": (1.0, None), "avif": (1.25, [services.NEXT])}
NOT_MEASURED = "not measured"


def verdicts(numbers):
    for name, limit in COLD.items():
        yield cold_verdict(numbers, name, limit)
    yield srcset_verdict(numbers)
    for format, (limit, peers) in BYTES.items():
        yield from bytes_verdicts(numbers.get("equal", {}).get("rows", []), format, limit, peers)
    if services.NEWER in numbers.get("equal", {}).get("scores", {}):
        yield from bytes_verdicts(numbers["equal"]["rows"], "avif", 1.0, [services.NEXT], "avif with newer codecs", scoring.NEWER_FIRST, scoring.NEWER_FINAL)
    yield from hit_verdicts(numbers)
    yield memory_verdict(numbers.get("memory", {}).get(services.OURS))
    yield statics_verdict(numbers.get("statics"))


def cold_verdict(numbers, name, limit):
    found = analysis.values(analysis.cell(numbers, name) or {}, services.OURS, "cpu")
    goal = f"{name}, cold and alone: CPU"
    if not found:
        return Verdict(goal, f"≤ {limit} ms", NOT_MEASURED, None)
    middle = statistics.median(found)
    samples = analysis.cell(numbers, name)
    peer = analysis.best_peer(samples)
    beside = f"; {peer} {analysis.median(samples, peer, 'cpu'):.0f} ms" if peer else ""
    return Verdict(goal, f"≤ {limit} ms", f"{middle:.0f} ({min(found):.0f}–{max(found):.0f}) ms{beside}", round(middle) <= limit)


def srcset_verdict(numbers):
    samples = analysis.cell(numbers, "srcset of 8") or {}
    peer = analysis.best_peer(samples)
    return ratio_verdict("srcset of 8 images at once: CPU against the best peer", analysis.ratio(samples, peer), 0.4, f" of {peer}")


def ratio_verdict(goal, found, limit, suffix=""):
    if found is None:
        return Verdict(goal, f"≤ {limit:.2f}", NOT_MEASURED, None)
    middle, least, most = found
    return Verdict(goal, f"≤ {limit:.2f}", f"{middle:.2f} ({least:.2f}–{most:.2f}){suffix}", round(middle, 2) <= limit)


def bytes_verdicts(rows, format, limit, peers, words=None, first_of=scoring.FIRST, final_of=scoring.FINAL):
    """The worst of the widths counts, of what is sent in the end."""
    words = words or format
    of_format = [row for row in rows if row["format"] == format and (peers is None or row["peer"] in peers)]
    found = sorted({row["peer"] for row in of_format}, key=[row["peer"] for row in of_format].index)
    if not found:
        yield Verdict(f"{words}: bytes at equal quality against {' and '.join(peers) if peers else 'every peer'}", f"≤ {limit:.2f}", NOT_MEASURED, None)
    for peer in found:
        worst = max((row for row in of_format if row["peer"] == peer and row["of"] == final_of), key=lambda row: row["ratio"], default=None)
        if worst:
            first = [row["ratio"] for row in of_format if row["peer"] == peer and row["of"] == first_of and row["width"] == worst["width"]]
            beside = f"; as sent first {first[0]:.2f}" if first else ""
            yield Verdict(f"{words}: bytes at equal quality against {peer}", f"≤ {limit:.2f}", f"{worst['ratio']:.2f} at {worst['width']} px{beside}",
                          round(worst["ratio"], 2) <= limit)


def hit_verdicts(numbers):
    cells = [cell for cell in numbers["cells"] if cell["group"] == "hits"]
    plain = analysis.values(cells[0]["samples"], services.OURS, "cpu") if cells else []
    yield Verdict("cached image: CPU", "≤ 20 µs", f"{statistics.median(plain):.1f} ({min(plain):.1f}–{max(plain):.1f}) µs" if plain else NOT_MEASURED,
                  statistics.median(plain) <= 20 if plain else None)
    for cell in cells:
        yield ratio_verdict(f"cached image: CPU against a static file of its size, {cell['name']}", analysis.ratio(cell["samples"], hits.FILE), 1.05)


def memory_verdict(found):
    if not found or "error" in found:
        return Verdict("peak memory", "≤ 250 MB", found["error"] if found else NOT_MEASURED, None if not found else False)
    return Verdict(f"peak memory in {found['jobs']:,} mixed jobs", "≤ 250 MB", f"{found['peak']:.0f} MB ({found['resident']:.0f} MB when each process's own "
                   "peak is added up)", found["peak"] <= 250)


def statics_verdict(rounds):
    goal = "p99 of static files while 8 clients ask for cold AVIFs, against idle"
    if not rounds:
        return Verdict(goal, "≤ 2.0", NOT_MEASURED, None)
    ratios = [found["busy"]["p99"] / found["idle"]["p99"] for found in rounds]
    failed = [message for found in rounds for message in found["failed"]]
    middle = statistics.median(ratios)
    idle, busy = (statistics.median(found[state]["p99"] for found in rounds) for state in ("idle", "busy"))
    measured = f"{middle:.1f} ({min(ratios):.1f}–{max(ratios):.1f}), {idle / 1e3:.2f} and {busy / 1e3:.2f} ms" + (", failures" if failed else "")
    return Verdict(goal, "≤ 2.0", measured, round(middle, 1) <= 2 and not failed)
