"""From samples to what the page says: medians, spreads, ratios. A server that failed in any round has no figure in that cell."""
import statistics

from .servers import FLOOR, OURS


def cell(numbers, name):
    """None when it was not measured."""
    return next((found["samples"] for found in numbers["cells"] if found["name"] == name), None)


def values(samples, server, field):
    """One per round; empty when the server was not measured or failed."""
    rounds = samples.get(server, [])
    return [] if any("error" in sample for sample in rounds) else [sample[field] for sample in rounds]


def errors(samples, server):
    return [sample["error"] for sample in samples.get(server, []) if "error" in sample]


def median(samples, server, field):
    """None where there is no figure."""
    found = values(samples, server, field)
    return statistics.median(found) if found else None


def best_peer(samples, field="cpu"):
    """The peer with the least median; None when there is none. Selvage in another build is no peer."""
    known = {name: median(samples, name, field) for name in samples if name != FLOOR and not name.startswith(OURS)}
    known = {name: value for name, value in known.items() if value}
    return min(known, key=known.get) if known else None


def ratio(samples, other, field="cpu", of=OURS):
    """(median, least, most) over the rounds of one server divided by the other in the same round; None without figures."""
    ours, theirs = values(samples, of, field), values(samples, other, field) if other else []
    found = [mine / its for mine, its in zip(ours, theirs) if its > 0]
    return (statistics.median(found), min(found), max(found)) if found else None
