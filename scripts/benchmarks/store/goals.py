"""What issue and specification promise of the store, and whether this run keeps it."""
import statistics

from ..goals import Verdict
from .tiers import DISK, OURS

MB = 1e6


def verdicts(numbers):
    yield from trace_verdicts(numbers.get("trace"))
    yield from policy_verdicts(numbers["generated"])
    yield from churn_verdicts(numbers["churn"])
    flood = numbers["flood"][OURS]
    yield Verdict("bytes on the disk in a flood, at any moment", "≤ the limit", f"{flood['most'] / MB:.1f} of {flood['limit'] / MB:.1f} MB "
                  f"({flood['times']:,} looks)", flood["most"] <= flood["limit"])
    yield from restart_verdicts(numbers["restart"])
    yield from purge_verdicts(numbers["restart"])


def trace_verdicts(trace):
    at = {size["share"]: size for size in trace["sizes"]} if trace else {}
    for field, limit in (("requests", 71.5), ("bytes", 76.0)):
        goal = f"AdaptSize trace, memory of 1 %: {field} that miss"
        if 0.01 not in at:
            yield Verdict(goal, f"≤ {limit} %", "not measured", None)
            continue
        ours, lru = at[0.01]["memory"][field], at[0.01]["lru"][field]
        yield Verdict(goal, f"≤ {limit} %", f"{ours:.1f} % (LRU {lru:.1f} %)", round(ours, 1) <= limit)


def policy_verdicts(generated):
    # At 10 % of memory the disk has room for everything, and takes it: there is nothing to choose.
    choosing = [size for size in generated["sizes"] if size["share"] < 0.1]
    ratios = [size["two_tiers"]["written"] / size["two_tiers_admit_all"]["written"] for size in choosing]
    sizes = " and ".join(f"{size['share'] * 100:g} %" for size in choosing)
    yield Verdict(f"bytes written to the disk, of those with everything admitted, memory of {sizes}", "≤ 0.50",
                  " and ".join(f"{ratio:.2f}" for ratio in ratios), max(ratios) <= 0.5)
    yield Verdict("memory hit: policy", "≤ 0.2 µs", f"{generated['hit_ns'] / 1000:.3f} µs", generated["hit_ns"] <= 200)
    yield Verdict("memory hits per second of two threads", "≥ 1.6 ×", f"{generated['hit_scaling']:.2f} ×", generated["hit_scaling"] >= 1.6)


def put_cost(churn, phase):
    """µs of CPU per 31 KB."""
    return churn[phase]["cpu"] / churn[phase]["bytes"] * 31e3 * 1e6


def churn_verdicts(churns):
    for contender, words in ((OURS, "both tiers"), (DISK, "disk alone")):
        for phase, state in (("empty", "into an empty store"), ("steady", "with eviction")):
            found = [put_cost(churn, phase) for churn in churns[contender]]
            middle = statistics.median(found)
            yield Verdict(f"CPU per put of 31 KB, {state}, {words}", "≤ 6 µs", f"{middle:.1f} ({min(found):.1f}–{max(found):.1f}) µs", round(middle, 1) <= 6)
    worst = max(churn["counted_bytes"] / churn["written_bytes"] for churn in churns[OURS] + churns[DISK])
    copied = max(churn["copied_bytes"] for churn in churns[OURS] + churns[DISK])
    yield Verdict("write amplification", "≤ 1.3", f"{worst:.3f}, with {copied / MB:,.0f} MB copied forward", worst <= 1.3)


def restart_verdicts(restart):
    ours = restart[DISK]
    objects = f"{ours['fill']['count']:,} objects"
    for field, words in (("cold", "nothing of it in memory"), ("warm", "its pages in memory")):
        walls = [run["wall"] for run in ours[field]]
        if not walls:
            yield Verdict(f"restart, {objects}, {words}", "≤ 1 s", "not measured", None)
            continue
        complete = all(run["missing"] == 0 for run in ours[field])
        yield Verdict(f"restart, {objects}, {words}", "≤ 1 s", f"{statistics.median(walls):.2f} ({min(walls):.2f}–{max(walls):.2f}) s" +
                      ("" if complete else ", objects are missing"), complete and statistics.median(walls) <= 1)
    run = ours["warm"][0]
    yield Verdict(f"index, {objects}", "≤ 32 B each", f"{run['index_bytes'] / run['objects']:.1f} B", run["index_bytes"] / run["objects"] <= 32)


def purge_verdicts(restart):
    for kind, purged in restart["purge"].items():
        purges = purged["purges"]
        besides = statistics.median(purge["cpu"] - purge["sync_cpu"] for purge in purges) * 1e6
        syncs = {purge["syncs"] for purge in purges}
        gone = purged["present_before"] > 0 and purged["present_after"] == 0 and all(purge["done"] for purge in purges)
        yield Verdict(f"purge of {restart[DISK]['fill']['count']:,} objects, {WORDS[kind]}", "≤ 10 µs and one fdatasync",
                      f"{besides:.1f} µs and {'–'.join(str(count) for count in sorted(syncs))}" + ("" if gone else ", not all gone"),
                      gone and besides <= 10 and syncs == {1})


WORDS = {"prefix": "by a prefix", "tag": "by a tag", "everything": "as everything"}
