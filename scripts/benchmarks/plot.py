"""The pictures, as SVG by hand: readable on light and on dark ground, without a library."""
import html
import math
import re

from . import analysis
from .servers import FLOOR, OURS

COLOURS = {OURS: ("#d6336c", "#ff6b9d"), "nginx": ("#2b8a3e", "#69db7c"), "h2o": ("#1971c2", "#74c0fc"), "caddy": ("#9c36b5", "#e599f7"),
           "apache": ("#e8590c", "#ffa94d"), FLOOR: ("#868e96", "#adb5bd")}
GROUND = """
text { font: 13px system-ui, sans-serif; fill: #343a40 } .quiet { fill: #868e96; font-size: 12px } .grid { stroke: #dee2e6 } .one { stroke: #868e96 }
"""
DARK_GROUND = "text { fill: #e9ecef } .quiet { fill: #adb5bd } .grid { stroke: #343a40 } .one { stroke: #adb5bd }"


def css(name):
    """The class of a contender: its name may have spaces."""
    return re.sub(r"\W+", "-", name)


def style(colours):
    """`colours`: class → (on light ground, on dark)"""
    of = lambda which: " ".join(f".{css(name)} {{ fill: {pair[which]}; stroke: {pair[which]} }}" for name, pair in colours.items())
    return f"{GROUND}{of(0)}\n@media (prefers-color-scheme: dark) {{\n{DARK_GROUND}\n{of(1)}\n}}"


def picture(width, height, title, parts, colours=COLOURS):
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">',
                      f"<title>{html.escape(title)}</title>", f"<style>{style(colours)}</style>", *parts, "</svg>", ""])


def text(x, y, words, anchor="start", kind=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{html.escape(words)}</text>'


def line(x1, y1, x2, y2, kind, width=1):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{css(kind)}" stroke-width="{width}"/>'


def legend(names, x, y):
    parts = []
    for name in names:
        parts += [f'<circle cx="{x}" cy="{y - 4}" r="5" class="{css(name)}"/>', text(x + 10, y, name)]
        x += 34 + 7.5 * len(name)
    return parts


def ratios(numbers, colours=COLOURS, what="request", scale=(0.15, 40), ticks=(0.2, 0.5, 1, 2, 5, 10, 20)):
    """A row per cell, a dot per server: its CPU per request as a multiple of Selvage's, with the spread over the rounds as a line."""
    left, right, row, top = 190, 760, 24, 64
    cells = [cell for cell in numbers["cells"] if analysis.median(cell["samples"], OURS, "cpu")]
    low, high = scale
    at = lambda value: left + (right - left) * math.log(min(max(value, low), high) / low) / math.log(high / low)
    bottom = top + row * len(cells)
    parts = [text(left, 20, f"Server CPU per {what}, as a multiple of Selvage's (left of 1: cheaper)"),
             *legend([name for name in colours if any(name in cell["samples"] for cell in cells)], left, 42)]
    for tick in ticks:
        parts += [line(at(tick), top - 8, at(tick), bottom, "one" if tick == 1 else "grid"), text(at(tick), bottom + 16, f"{tick:g} ×", "middle", "quiet")]
    for index, cell in enumerate(cells):
        y = top + row * (index + 0.5)
        parts.append(text(left - 12, y + 4, cell["name"], "end"))
        for name in reversed(colours):
            found = analysis.ratio(cell["samples"], OURS, of=name)
            if found:
                parts += [line(at(found[1]), y, at(found[2]), y, name, 2), f'<circle cx="{at(found[0]):.1f}" cy="{y:.1f}" r="5" class="{css(name)}"/>']
    return picture(right + 40, bottom + 28, f"CPU per {what} relative to Selvage", parts, colours)


def curves(grown):
    """Three panels: CPU per request over workers, connections, files."""
    panel, gap, top, bottom = 230, 50, 44, 190
    parts = [text(46, 20, "Server CPU µs per request of 1 KB")]
    for index, series in enumerate(("workers", "connections", "files")):
        points, x0 = grown.get(series, []), 46 + index * (panel + gap)
        if not points:
            continue
        most = max(point["cpu"] for point in points) * 1.15
        across = lambda number: x0 + panel * number / max(len(points) - 1, 1)
        up = lambda cpu: bottom - (bottom - top) * cpu / most
        step = 10 ** math.floor(math.log10(most))
        for tick in range(0, int(most / step) + 1):
            parts += [line(x0, up(tick * step), x0 + panel, up(tick * step), "grid"), text(x0 - 6, up(tick * step) + 4, f"{tick * step:g}", "end", "quiet")]
        parts += [line(across(i), up(a["cpu"]), across(i + 1), up(b["cpu"]), OURS, 2) for i, (a, b) in enumerate(zip(points, points[1:]))]
        for number, point in enumerate(points):
            parts += [f'<circle cx="{across(number):.1f}" cy="{up(point["cpu"]):.1f}" r="4" class="{OURS}"/>',
                      text(across(number), bottom + 18, f"{point['at']:,}", "middle", "quiet")]
        parts.append(text(x0 + panel / 2, bottom + 38, series, "middle"))
    return picture(46 + 3 * (panel + gap), bottom + 52, "How the cost per request grows", parts)
