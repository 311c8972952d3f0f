"""Writes the page: delivery.json → delivery.md and its pictures."""
import re
import statistics

from .. import analysis
from ..page import table
from . import contenders, figures, fly, goals, pictures, prose, visits
from .contenders import GZIP_6, NGINX_BR, OURS

KEPT = re.compile(r"<!-- remarks -->\n(.*?)<!-- /remarks -->", re.DOTALL)
WORDS = {True: "met", False: "**not met**", None: "–"}


def write(numbers, folder):
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "delivery.md"
    kept = KEPT.search(page.read_text()) if page.exists() else None
    if figures.releases(numbers):
        (folder / "delivery.svg").write_text(pictures.totals(numbers))
        (folder / "delivery-pairs.svg").write_text(pictures.pairs(numbers))
    if numbers.get("first"):
        (folder / "delivery-first.svg").write_text(pictures.requests(numbers))
    remarks = f"<!-- remarks -->\n{kept[1] if kept else ''}<!-- /remarks -->"
    parts = [part for section in (totals, pairs, costs, making, first_request, documentations, fingerprints, packages, counted) for part in section(numbers)]
    page.write_text("\n\n".join([*introduction(numbers), remarks, goal_table(numbers), *parts]) + "\n")
    return page


def introduction(numbers):
    machine, versions = numbers["machine"], numbers["versions"]
    yield "# Releases: what a first and a returning visitor cost"
    yield (f"`{numbers['command'].strip()}` on {machine['date']}: {numbers['rounds']} interleaved round{'s' * (numbers['rounds'] > 1)}. {machine['cpu']}, "
           f"{machine['cores']} cores{' of a virtual machine' if machine['virtual'] else ''}; {machine['system']}, Linux {machine['kernel']}, "
           f"{machine['openssl']}. {', '.join(f'{name} {version}' for name, version in versions.items())}.")
    yield prose.METHOD
    for note in numbers["notes"]:
        yield f"**Note:** {note}."


def goal_table(numbers):
    rows = [[verdict.goal, verdict.limit, verdict.measured, WORDS[verdict.met]] for verdict in goals.verdicts(numbers)]
    return f"## Goals\n\n{prose.GOALS}\n\n{table(['', 'goal', 'measured', ''], rows)}"


def megabytes(size):
    return f"{size / 1e6:.2f}" if size else ""


def kilobytes(size):
    return "" if size is None else f"{size / 1e3:,.1f}"


def totals(numbers):
    found = figures.pairs(numbers)
    if found:
        yield (f"## Bytes on the wire\n\n![Bytes of first and returning visits by server](delivery.svg)\n\nMB, over {len(found)} pairs of consecutive "
               f"versions of {len({package for package, _ in found})} packages. *Returning*: the files that the release changed.")
        header = ["", "first visit", "– content", "returning", "– content", "– to br files", "codings of the returning visit"]
        yield table(header, [total_row(numbers, view) for view in visits.RETURNING])


def total_row(numbers, view):
    first, again = (lambda field: figures.total(numbers, "first", OURS if view == visits.WITHOUT else view, field),
                    lambda field: figures.total(numbers, "returning", view, field))
    base = figures.total(numbers, "returning", NGINX_BR, "content")
    codings = figures.codings(numbers, "returning", view)
    return [view, megabytes(first("wire")), megabytes(first("content")), megabytes(again("wire")), megabytes(again("content")),
            f"{again('content') / base:.1%}" if base else "", ", ".join(f"{coding} {count}" for coding, count in codings.most_common())]


def pairs(numbers):
    found = figures.pairs(numbers, extras=True)
    if found:
        versions = {package["name"]: package["versions"] for package in numbers["packages"]}
        yield f"## Each pair of versions\n\n![Returning visit of each pair as a part of Brotli](delivery-pairs.svg)\n\n{prose.FIRST_VISIT}"
        yield table(["", "files", *visits.SERVERS], [first_row(numbers, pair, versions) for pair in found])
        yield prose.RETURNING
        yield table(["", "files", *visits.RETURNING, "to br files"], [returning_row(numbers, pair, versions) for pair in found])


def words_of(pair, versions):
    package, step = pair
    known = versions[package]
    shown = known[-2:] if figures.is_extra(package) else [known[min(at, len(known) - 1)] for at in (step - 1, step)]
    return f"{package} {' → '.join(shown)}"


def first_row(numbers, pair, versions):
    sizes = {name: figures.of_pair(numbers, "first", name, pair, "content") for name in visits.SERVERS}
    shown = {name: kilobytes(size) for name, size in sizes.items()}
    if sizes[OURS] > min(sizes[name] for name in contenders.PRECOMPRESSED):
        shown[OURS] = f"**{shown[OURS]}**"
    return [words_of(pair, versions), f"{figures.of_pair(numbers, 'first', OURS, pair, 'files'):.0f}", *shown.values()]


def returning_row(numbers, pair, versions):
    sizes = {name: figures.of_pair(numbers, "returning", name, pair, "content") for name in visits.RETURNING}
    part = f"{sizes[OURS] / sizes[NGINX_BR]:.1%}" if sizes[OURS] and sizes[NGINX_BR] else ""
    return [words_of(pair, versions), f"{figures.of_pair(numbers, 'returning', OURS, pair, 'files') or 0:.0f}", *map(kilobytes, sizes.values()), part]


def costs(numbers):
    if not figures.releases(numbers):
        return
    prepared, ours = numbers["visits"]["sidecars"], figures.background(numbers)
    tools = f"{sum(prepared.values()):,.0f} (`brotli --best` {prepared.get('.br', 0):,.0f}, `gzip -9` {prepared.get('.gz', 0):,.0f})"
    before = {NGINX_BR: tools, contenders.CADDY_BR: tools, visits.WITHOUT: "as below", OURS: f"{ours:,.0f}" if ours is not None else ""}
    yield f"## CPU\n\n{prose.COSTS}"
    yield table(["", "first visit", "returning visit", "before"],
                [[view, cost(numbers, "first", OURS if view == visits.WITHOUT else view), cost(numbers, "returning", view), before.get(view, "–")]
                 for view in visits.RETURNING])


def cost(numbers, kind, view):
    found = figures.cpu(numbers, kind, view)
    return "{:.2f} ({:.2f}–{:.2f})".format(*found) if found else ""


def making(numbers):
    rounds = numbers.get("fly")
    if not rounds:
        return
    yield f"## Deltas made while the visitor waits\n\n{prose.MAKING}"
    if any(found["made"]["codings"].get("dcz") for found in rounds):
        rows = sorted({(found["step"], found["files"]) for found in rounds})
        yield table(["release", "files of", "files", "as dcz", "by the server's count", "MB of these", "kB of deltas", "to br files", "made for the visit", "stored: the next visitor"],
                    [making_row([found for found in rounds if (found["step"], found["files"]) == row]) for row in rows])
    else:
        yield "This build sends no deltas: nothing was made."


def making_row(rounds):
    made, values = rounds[0]["made"], [fly.per_megabyte([found["made"]]) for found in rounds]
    content, told = made["contents"].get("dcz", 0), ", ".join(f"{how} {count:.0f}" for how, count in made["told"].items())
    stored = statistics.median(fly.per_megabyte([found["again"]]) for found in rounds)
    return [str(rounds[0]["step"]), rounds[0]["files"], str(sum(made["codings"].values())), str(made["codings"].get("dcz", 0)), told, megabytes(made["sizes"].get("dcz")),
            kilobytes(content), f"{content / rounds[0]['br']:.1%}" if content else "", f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})", f"{stored:.2f}"]


def first_request(numbers):
    found = numbers.get("first")
    if found:
        count = len(next(iter(found.values())))
        yield f"## The very first request\n\n![Time of the first request by server](delivery-first.svg)\n\n{prose.FIRST_REQUEST} {count} rounds."
        header = ["", "coding", "kB", "ms to the head", "ms to the first byte", "ms to the last", f"to {GZIP_6}", "CPU ms"]
        yield table(header, [request_row(found, view) for view in found])


def request_row(found, view):
    samples = found[view]
    middle = lambda field, scale: f"{statistics.median(sample[field] for sample in samples) * scale:.2f}"
    ratio = analysis.ratio(found, GZIP_6, "total", of=view)
    return [view, samples[0]["coding"], f"{statistics.median(sample['bytes'] for sample in samples) / 1e3:.0f}", middle("first", 1e-3),
            middle("content", 1e-3), middle("total", 1e-3), "{:.2f} ({:.2f}–{:.2f})".format(*ratio) if ratio and view != GZIP_6 else "", middle("cpu", 1e3)]


def documentations(numbers):
    if not numbers.get("pages"):
        return
    part = lambda found, kind: f"{found[kind] / found['br']:.2f}" if kind in found else "none made"
    yield f"## Pages\n\n{prose.PAGES}"
    yield table(["documentation", "pages", "kB of a page", "kB with br-11", "dictionary, kB on the wire", "with it, of br-11", "to the page before, of br-11"],
                [[found["name"], str(found["pages"]), kilobytes(found["size"] / found["pages"]), kilobytes(found["br"] / found["pages"]),
                  kilobytes(found["fetched"]) if "fetched" in found else "–", part(found, "dictionary"), part(found, "page")] for found in numbers["pages"]])


def fingerprints(numbers):
    found = numbers.get("fingerprints")
    if found:
        yield f"## Names with a hash\n\n{prose.FINGERPRINTS}"
        yield found["table"]


def packages(numbers):
    yield f"## What was released\n\n{prose.PACKAGES}"
    yield table(["package", "versions", "files", "MB", "hashed names"],
                [[package["name"] + (" (minified here with esbuild)" if package["minified"] else ""), " → ".join(package["versions"]),
                  f"{package['files']:,}", megabytes(package["bytes"]), "its own" if package["built"] else "given here"] for package in numbers["packages"]])


def counted(numbers):
    told = numbers.get("visits", {}).get("counted")
    if told:
        rows = [[f"`{name}`", f"{value:,.0f}"] for name, value in sorted(told.items())]
        yield f"## What the server counted\n\nFrom `/metrics`, over all visits.\n\n{table(['counter', 'value'], rows)}"
