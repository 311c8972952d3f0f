"""The pictures of the page: CPU per image; bytes and quality."""
import math
import statistics

from .. import plot
from . import cold, scoring, services
from .engines import SHARP, VIPS

COLOURS = {services.OURS: plot.COLOURS["selvage"], services.NEWER: ("#e8590c", "#ffa94d"), services.IPX: ("#2b8a3e", "#69db7c"), services.NEXT: ("#1971c2", "#74c0fc"),
           VIPS: ("#868e96", "#adb5bd"), SHARP: ("#9c36b5", "#e599f7")}


def cpu(numbers):
    cells = [cell for cell in numbers["cells"] if cell["group"] in (*cold.FORMATS, "srcset")]
    return plot.ratios({"cells": cells}, COLOURS, "image", (0.3, 40), (0.5, 1, 2, 5, 10, 20))


def qualities(numbers):
    """A panel per format at 640 pixels: mean score over mean kB of the photographs, as each contender sends them by itself; ours over
    its qualities as a line."""
    panel, gap, top, bottom = 240, 46, 64, 290
    known = [cell for cell in numbers["cells"] if cell["name"].endswith(" 640") and cell.get("scores")]
    names = [name for name in COLOURS if any(name in cell["scores"] for cell in known)]
    parts = [plot.text(40, 20, "Quality (mean SSIMULACRA2) over bytes (mean kB) at 640 pixels; line: Selvage at its qualities, ring: upgraded"),
             *plot.legend(names, 40, 42)]
    for index, cell in enumerate(known):
        x0, curve = 40 + index * (panel + gap), mean_curve(numbers, cell["group"])
        dots = {name: (cell["sizes"][name] / 1e3, cell["scores"][name]) for name in cell["scores"]}
        most = max(size for size, _ in dots.values()) * 1.25
        low = min(score for _, score in dots.values()) - 6
        high = max(score for _, score in dots.values()) + 6
        across = lambda size: x0 + panel * size / most
        up = lambda score: bottom - (bottom - top) * (score - low) / (high - low)
        parts += axes(x0, panel, top, bottom, most, low, high, across, up)
        parts += [f'<clipPath id="panel{index}"><rect x="{x0}" y="{top}" width="{panel}" height="{bottom - top}"/></clipPath>',
                  f'<g clip-path="url(#panel{index})">',
                  *(plot.line(across(a[0]), up(a[1]), across(b[0]), up(b[1]), services.OURS, 1.5) for a, b in zip(curve, curve[1:])), "</g>"]
        for name, (size, score) in dots.items():
            final = {scoring.FINAL: services.OURS, scoring.NEWER_FINAL: services.NEWER}
            ring = ' fill-opacity="0"' if name in final else ""
            kind = plot.css(final.get(name, name))
            parts.append(f'<circle cx="{across(size):.1f}" cy="{up(score):.1f}" r="5" class="{kind}"{ring}/>')
        parts.append(plot.text(x0 + panel / 2, bottom + 38, cell["group"], "middle"))
    return plot.picture(40 + 3 * (panel + gap), bottom + 52, "Quality and bytes", parts, COLOURS)


def axes(x0, panel, top, bottom, most, low, high, across, up):
    parts = [plot.line(x0, bottom, x0 + panel, bottom, "grid")]
    step = 10 ** math.floor(math.log10(most)) / (2 if most < 3 * 10 ** math.floor(math.log10(most)) else 1)
    for tick in range(1, int(most / step) + 1):
        parts.append(plot.text(across(tick * step), bottom + 18, f"{tick * step:g}", "middle", "quiet"))
    for tick in range(math.ceil(low / 5) * 5, int(high) + 1, 5):
        parts += [plot.line(x0, up(tick), x0 + panel, up(tick), "grid"), plot.text(x0 - 6, up(tick) + 4, str(tick), "end", "quiet")]
    return parts


def mean_curve(numbers, format):
    """[(kB, score)] of our final images by quality, over the photographs."""
    found = numbers.get("equal", {}).get("curves", {}).get(scoring.FINAL, [])
    of_format = [sorted(points) for _, width, its, points in found if its == format and width == 640]
    complete = [points for points in of_format if len(points) == len(scoring.SWEEP)]
    return [(statistics.mean(size for _, size in at) / 1e3, statistics.mean(score for score, _ in at)) for at in zip(*complete)]
