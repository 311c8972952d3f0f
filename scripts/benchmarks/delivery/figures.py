"""From samples to figures: totals over the releases, and each pair of versions by itself. A pair is (package, step): the package at this step
and at the one before; an extra is in no total."""
import collections
import statistics

from .corpus import SHARED


def is_extra(package):
    return package.endswith(f"({SHARED})")


def releases(numbers):
    """Without the first, which has none before it."""
    return [step for step in numbers.get("visits", {}).get("steps", []) if step["step"] > 0]


def pairs(numbers, extras=False):
    """Those of which any file changed."""
    found = []
    for step in releases(numbers):
        for view in step["returning"].values():
            found += [(package, step["step"]) for package in view[0]["packages"] if extras or not is_extra(package)]
    return sorted(set(found))


def of_pair(numbers, kind, view, pair, field):
    """Bytes are the same in every round, but for a header field or two: the median. None when it was not asked for."""
    package, step = pair
    samples = next((found[kind].get(view, []) for found in releases(numbers) if found["step"] == step), [])
    values = [sample["packages"][package][field] for sample in samples if package in sample["packages"]]
    return statistics.median(values) if values else None


def total(numbers, kind, view, field, extras=False):
    """Over all pairs."""
    return sum(of_pair(numbers, kind, view, pair, field) or 0 for pair in pairs(numbers, extras))


def codings(numbers, kind, view):
    """Coding → answers, over all releases, in the first round."""
    found = collections.Counter()
    for step in releases(numbers):
        if step[kind].get(view):
            found.update(step[kind][view][0]["codings"])
    return found


def cpu(numbers, kind, view):
    """(median, least, most) over the rounds of CPU ms per MB of what was asked for, uncoded, over all releases. None without a figure."""
    steps = [step[kind][view] for step in releases(numbers) if step[kind].get(view)]
    rounds = [1e3 * sum(sample["cpu"] for sample in of_round) / (sum(sample["size"] for sample in of_round) / 1e6)
              for of_round in zip(*steps) if sum(sample["size"] for sample in of_round)]
    return (statistics.median(rounds), min(rounds), max(rounds)) if rounds else None


def background(numbers):
    """CPU ms per MB of new files that ours spends in the background, over all steps."""
    steps = numbers.get("visits", {}).get("steps", [])
    size = sum(step["background"]["size"] for step in steps) / 1e6
    return 1e3 * sum(step["background"]["cpu"] for step in steps) / size if size else None
