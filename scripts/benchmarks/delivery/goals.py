"""What was promised of static delivery, and whether this run keeps it."""
import statistics

from .. import analysis
from ..goals import Verdict
from . import figures, fly
from .contenders import GZIP_6, NGINX_BR, OURS, PRECOMPRESSED

NOT_MEASURED = "not measured"
RETURNING, MAKING, FIRST, RECALL, FALSE = 0.13, 2.0, 1.2, 0.99, 0.0005


def verdicts(numbers):
    yield returning_verdict(numbers)
    yield making_verdict(numbers.get("fly"), "", [fly.LARGE, fly.SMALL])
    yield making_verdict(numbers.get("fly"), f" of {fly.LARGE}", [fly.LARGE])
    yield from (first_visit_verdict(numbers, field, words) for field, words in (("content", "content"), ("wire", "content and header fields")))
    yield from (first_request_verdict(numbers.get("first"), field, words) for field, words in (("content", "first byte"), ("total", "last byte")))
    yield from fingerprint_verdicts(numbers.get("fingerprints"))


def returning_verdict(numbers):
    goal = "returning visit after a release: content, as a part of br at 11"
    limit = f"≤ {RETURNING:.0%}"
    ours, theirs = figures.total(numbers, "returning", OURS, "content"), figures.total(numbers, "returning", NGINX_BR, "content")
    if not theirs:
        return Verdict(goal, limit, NOT_MEASURED, None)
    deltas = figures.codings(numbers, "returning", OURS).get("dcz", 0)
    found = f"{ours / theirs:.1%} ({ours / 1e3:,.0f} of {theirs / 1e3:,.0f} kB)"
    return Verdict(goal, limit, found if deltas else f"{found}: this build sends no deltas", round(ours / theirs, 3) <= RETURNING)


def making_verdict(found, words, kinds):
    goal, limit = f"CPU of a returning visit whose deltas are made for it, per MB of files{words}", f"≤ {MAKING:g} ms"
    made = [each for each in found or [] if each["files"] in kinds and each["made"]["codings"].get("dcz")]
    if not made:
        return Verdict(goal, limit, NOT_MEASURED + (": this build sends no deltas" if found else ""), None)
    visits = {(each["step"], each["round"]) for each in made}
    values = [fly.per_megabyte([each["made"] for each in made if (each["step"], each["round"]) == visit]) for visit in visits]
    whole = fly.per_megabyte([each["made"] for each in made])
    return Verdict(goal, limit, f"{whole:.2f} ms ({min(values):.2f}–{max(values):.2f})", round(whole, 2) <= MAKING)


def first_visit_verdict(numbers, field, words):
    goal = f"first visit, when the queue is drained: {words} against the best precompressed peer"
    totals = {name: figures.total(numbers, "first", name, field) for name in PRECOMPRESSED}
    totals = {name: size for name, size in totals.items() if size}
    ours = figures.total(numbers, "first", OURS, field)
    if not totals or not ours:
        return Verdict(goal, "≤ 1.000", NOT_MEASURED, None)
    best = min(totals, key=totals.get)
    pairs = figures.pairs(numbers)
    more = [pair for pair in pairs if figures.of_pair(numbers, "first", OURS, pair, field)
            > min(figures.of_pair(numbers, "first", name, pair, field) or float("inf") for name in totals)]
    return Verdict(goal, "≤ 1.000, and for every pair", f"{ours / totals[best]:.3f} of {best}; more for {len(more)} of {len(pairs)} pairs",
                   ours <= totals[best] and not more)


def first_request_verdict(first, field, words):
    goal, limit = f"very first request for 1 MB: {words} against gzip 6 in nginx", f"≤ {FIRST:g}"
    found = analysis.ratio(first, GZIP_6, field) if first else None
    if not found:
        return Verdict(goal, limit, NOT_MEASURED, None)
    ours, theirs = (statistics.median(sample[field] for sample in first[name]) / 1e3 for name in (OURS, GZIP_6))
    return Verdict(goal, limit, "{:.2f} ({:.2f}–{:.2f}), {:.1f} and {:.1f} ms".format(*found, ours, theirs), round(found[0], 2) <= FIRST)


def fingerprint_verdicts(found):
    """`found`: what fingerprints.measure() left."""
    if not found:
        yield Verdict("names with a hash that are recognised", f"≥ {RECALL:.0%}", NOT_MEASURED, None)
        yield Verdict("other names taken for such", f"≤ {FALSE:.2%}", NOT_MEASURED, None)
        return
    recall, wrong = found["recognised"] / found["hashed"], found["mistaken"] / found["ordinary"]
    yield Verdict("names with a hash that are recognised", f"≥ {RECALL:.0%}", f"{recall:.2%}: {found['recognised']:,} of {found['hashed']:,}",
                  recall >= RECALL)
    yield Verdict("other names taken for such", f"≤ {FALSE:.2%}", f"{wrong:.3%}: {found['mistaken']:,} of {found['ordinary']:,}", wrong <= FALSE)
