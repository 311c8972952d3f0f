"""The pictures of the page: bytes of all visits; each pair of versions by itself; the very first request."""
import math
import statistics

from .. import plot
from . import contenders, figures, first, goals, visits
from .contenders import NGINX_BR, OURS

COLOURS = {OURS: contenders.COLOURS[OURS], visits.WITHOUT: ("#b197fc", "#d0bfff"), **{name: pair for name, pair in contenders.COLOURS.items() if name != OURS}}


def classes(names):
    """A name of a server is no name of a class, where it has commas and blanks."""
    return {name: "c" + "".join(letter for letter in name if letter.isalnum()) for name in names}


CLASS = classes([*COLOURS, contenders.GZIP_6, first.BROTLI, first.OURS_GZIP])
PALETTE = {CLASS[name]: pair for name, pair in {**COLOURS, contenders.GZIP_6: ("#f59f00", "#ffd43b"), first.BROTLI: COLOURS[visits.WITHOUT],
                                                 first.OURS_GZIP: COLOURS[visits.WITHOUT]}.items()}


def bars(x, y, width, rows, unit):
    """A bar per (name, value, its words), with its name before it."""
    most, parts = max(value for _, value, _ in rows), []
    for index, (name, value, words) in enumerate(rows):
        top = y + 22 * index
        length = max(width * value / most, 1)
        parts += [plot.text(x - 10, top + 12, name, "end"), f'<rect x="{x}" y="{top}" width="{length:.1f}" height="16" class="{CLASS[name]}"/>',
                  plot.text(x + length + 8, top + 12, f"{words} {unit}", "start", "quiet")]
    return parts, y + 22 * len(rows)


def totals(numbers):
    """All bytes of the visits, in MB: first visits above, returning ones below."""
    parts, y = [], 20
    for kind, words, names in (("first", "First visits to the newer version of each pair", visits.SERVERS),
                               ("returning", "Visits after the release, by who saw the version before", visits.RETURNING)):
        rows = [(name, size, f"{size / 1e6:,.2f}") for name in reversed(names) if (size := figures.total(numbers, kind, name, "wire"))]
        parts.append(plot.text(20, y, f"{words}: MB on the wire"))
        if rows:
            drawn, y = bars(270, y + 14, 400, rows, "MB")
            parts += drawn
        y += 34
    return plot.picture(800, y - 20, "Bytes of first and returning visits", parts, PALETTE)


def pairs(numbers):
    """A row per package: each of its pairs as a dot, returning visit with and without dictionaries as a part of br 11."""
    left, right, row, top = 190, 760, 22, 74
    found = {}
    for pair in figures.pairs(numbers, extras=True):
        base = figures.of_pair(numbers, "returning", NGINX_BR, pair, "content")
        for name in (visits.WITHOUT, OURS):
            size = figures.of_pair(numbers, "returning", name, pair, "content")
            if base and size:
                found.setdefault(pair[0], []).append((name, size / base))
    low, high = 0.002, 2
    at = lambda value: left + (right - left) * math.log(min(max(value, low), high) / low) / math.log(high / low)
    bottom = top + row * len(found)
    parts = [plot.text(left, 20, "Returning visit: content as a part of br at 11, each pair of versions (left: less)"),
             *legend([OURS, visits.WITHOUT], left, 44)]
    for tick in (0.005, 0.02, 0.05, 0.13, 0.5, 1):
        parts += [plot.line(at(tick), top - 8, at(tick), bottom, "one" if tick in (goals.RETURNING, 1) else "grid"),
                  plot.text(at(tick), bottom + 16, f"{tick:.1%}".replace(".0%", "%"), "middle", "quiet")]
    for index, (package, dots) in enumerate(sorted(found.items(), key=lambda item: min(part for _, part in item[1]))):
        y = top + row * (index + 0.5)
        parts += [plot.text(left - 12, y + 4, package, "end"),
                  *(f'<circle cx="{at(part):.1f}" cy="{y:.1f}" r="5" class="{CLASS[name]}" fill-opacity="0.75"/>' for name, part in dots)]
    return plot.picture(right + 40, bottom + 28, "Returning visit of each pair relative to Brotli", parts, PALETTE)


def legend(names, x, y):
    parts = []
    for name in names:
        parts += [f'<circle cx="{x}" cy="{y - 4}" r="5" class="{CLASS[name]}"/>', plot.text(x + 10, y, name)]
        x += 34 + 7.5 * len(name)
    return parts


def requests(numbers):
    """The very first request: ms until the last byte, median."""
    found = numbers["first"]
    rows = [(name, statistics.median(sample["total"] for sample in samples) / 1e3) for name, samples in found.items()]
    drawn, y = bars(270, 34, 400, [(name, value, f"{value:.1f}") for name, value in sorted(rows, key=lambda row: row[1])], "ms")
    words = plot.text(20, 20, "The very first request for a script of 1 MB: ms until its last byte")
    return plot.picture(800, y + 10, "The very first request", [words, *drawn], PALETTE)
