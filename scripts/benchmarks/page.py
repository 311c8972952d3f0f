"""Writes the page: static.json → static.md, static.svg, growth.svg."""
import re

from . import analysis, goals, plot
from .servers import FLOOR, OURS, SERVERS

NAMES = [*SERVERS, FLOOR]
KEPT = re.compile(r"<!-- remarks -->\n(.*?)<!-- /remarks -->", re.DOTALL)
BEND = 1.25   # a cost this much above the least of its series is worth a word


def write(numbers, folder):
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "static.md"
    kept = KEPT.search(page.read_text()) if page.exists() else None
    (folder / "static.svg").write_text(plot.ratios(numbers))
    (folder / "growth.svg").write_text(plot.curves(numbers.get("growth", {})))
    page.write_text("\n\n".join([*introduction(numbers), f"<!-- remarks -->\n{kept[1] if kept else ''}<!-- /remarks -->", goal_table(numbers),
                                 "## CPU per request\n\n![CPU per request of each server as a multiple of Selvage's](static.svg)", tables(numbers),
                                 *memory(numbers), *reloads(numbers), *growth(numbers)]) + "\n")
    return page


def table(header, rows):
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows])


def introduction(numbers):
    machine, versions = numbers["machine"], numbers["versions"]
    servers = ", ".join(f"{name} {version}" for name, version in versions.items())
    sizes = numbers["mix"]["bytes"]
    mix = f"The mix is {numbers['mix']['files']} files of the demo site, Bootstrap, jQuery and photographs, asked for with `Accept-Encoding: br`"
    if sizes:
        mix += "; one of each is " + ", ".join(f"{size / 1024:.0f} KiB from {name}" for name, size in sizes.items())
    yield "# Static files: Selvage beside nginx, h2o, Caddy and Apache"
    yield (f"`{numbers['command'].strip()}` on {machine['date']}: {numbers['rounds']} interleaved round{'s' * (numbers['rounds'] > 1)}, {numbers['seconds']:g} s "
           f"each. {machine['cpu']}, {machine['cores']} cores{' of a virtual machine' if machine['virtual'] else ''}; "
           f"{machine['system']}, Linux {machine['kernel']}, {machine['openssl']}. {servers}; h2load {machine['h2load']}, wrk {machine['wrk']}.")
    yield (f"One worker on one core, the client on another, congestion control {numbers['congestion']}, TLS 1.3 with AES-128-GCM, ECDSA P-256. CPU is "
           "user and system time of all processes of the server, from a mark in the client's output to the next, so that handshakes and start-up are "
           "not in it. Selvage runs with its access log (to a file), metrics and limits on; the others log nothing. "
           "*32 × 8* means 32 connections with 8 streams each: of large responses fewer are under way, for all servers alike, because 1,024 of 1 MB would not "
           "end within a second; they and the mix are counted by bytes. Of small responses the client is the first to be busy: the rates are then "
           "its rates, and only CPU per request tells the servers apart. Latencies are those of a client that asks as fast as it can. "
           f"The *floor* is `scripts/benchmarks/floor.cc`: epoll and OpenSSL with fixed answers, no HTTP logic, no log. {mix}.")
    for note in numbers["notes"]:
        yield f"**Note:** {note}."


def goal_table(numbers):
    words = {True: "met", False: "**not met**", None: "–"}
    rows = [[verdict.goal, verdict.limit, verdict.measured, words[verdict.met]] for verdict in goals.verdicts(numbers)]
    return "## Goals\n\nMedian of the rounds (lowest–highest round).\n\n" + table(["", "goal", "measured", ""], rows)


def tables(numbers):
    """One table per quantity, over all cells."""
    cells = numbers["cells"]
    shown = [name for name in NAMES if any(name in cell["samples"] for cell in cells)]
    parts = ["µs, user and system: median over the rounds. Ratio: Selvage to the best peer, median (lowest–highest round).",
             table(["", *shown, "to the best peer", "to the floor"], [cpu_row(cell, shown) for cell in cells]),
             "## Requests per second", table(["", *shown], [[cell["name"], *(figure(cell["samples"], name, "rate", "{:,.0f}") for name in shown)] for cell in cells]),
             "## Latency", "p50 / p99 in ms.", table(["", *shown], [[cell["name"], *(latency(cell["samples"], name) for name in shown)] for cell in cells])]
    failed = [f"- {cell['name']}, {name}: `{' '.join(message.split())[-160:]}`" for cell in cells for name in shown for message in analysis.errors(cell["samples"], name)[:1]]
    if failed:
        parts += ["## Errors", "A run in which any response failed has no figure.", "\n".join(failed)]
    return "\n\n".join(parts)


def figure(samples, name, field, form):
    if analysis.errors(samples, name):
        return "error"
    value = analysis.median(samples, name, field)
    return "" if value is None else form.format(value)


def cost(samples, name):
    """Three digits, without an exponent."""
    shown = figure(samples, name, "cpu", "{}")
    return shown if shown in ("", "error") else "{:.{}f}".format(float(shown), 2 if float(shown) < 10 else 1 if float(shown) < 100 else 0)


def latency(samples, name):
    p50, p99 = (figure(samples, name, field, "{}") for field in ("p50", "p99"))
    return p50 if p50 in ("", "error") else f"{float(p50) / 1000:.3g} / {float(p99) / 1000:.3g}"


def cpu_row(cell, shown):
    samples = cell["samples"]
    best = analysis.best_peer(samples)
    return [cell["name"], *(cost(samples, name) for name in shown), ratio(samples, best, f" {best}"), ratio(samples, FLOOR)]


def ratio(samples, other, suffix=""):
    found = analysis.ratio(samples, other)
    return "{:.2f} ({:.2f}–{:.2f})".format(*found) + suffix if found else ""


def memory(numbers):
    counts = numbers.get("memory", {})
    if counts:
        names = [name for name in NAMES if any(name in sizes for sizes in counts.values())]
        yield "## Memory per idle connection\n\nKiB of proportional set size per TLS 1.3 HTTP/2 connection that made one request, in a fresh process; sockets in the kernel not counted."
        yield table(["connections", *names], [[f"{int(count):,}", *(f"{sizes[name]:.1f}" if name in sizes else "error" for name in names)] for count, sizes in counts.items()])


def reloads(numbers):
    found = numbers.get("reload", {})
    if found:
        yield ("## Reload under load\n\nRequests without a 200, while h2load opened 200 connections a second with 20 requests each. h2load asks once: what a "
               "server refuses with GOAWAY, and a browser would ask again, counts.")
        yield table(["", *found], [[field, *(f"{of[field]:,}" for of in found.values())] for field in ("reloads", "requests", "failed")])


def growth(numbers):
    grown = numbers.get("growth")
    if not grown:
        return
    yield ("## Growth\n\n![CPU per request over workers, connections and files](growth.svg)\n\nSelvage, 1 KB over TLS 1.3 and HTTP/2. Workers: 32 × 32. "
           "Connections: one stream on each. Files: two connections with 100 streams, which go through all of them again and again.")
    for series in ("workers", "connections", "files"):
        points = grown.get(series, [])
        if points:
            yield table([series, *(f"{point['at']:,}" for point in points)], [["requests/s", *(f"{point['rate']:,.0f}" for point in points)],
                                                                             ["CPU µs/request", *(f"{point['cpu']:.3g}" for point in points)]])
            yield bend(series, points)
    if grown.get("errors"):
        yield "\n".join(f"- failed: {error}" for error in grown["errors"])


def bend(series, points):
    """What the numbers say by themselves; the reason is for the remarks."""
    if series == "workers":
        one, two = points[0], points[-1]
        return (f"With {two['at']} workers {two['rate'] / one['rate']:.2f} times the requests per second at {two['cpu'] / one['cpu']:.2f} times the CPU per request; "
                "on a machine of two cores the second worker shares its core with the client.")
    least = min(points, key=lambda point: point["cpu"])
    later = [point for point in points if point["at"] > least["at"] and point["cpu"] > BEND * least["cpu"]]
    if not later:
        return f"The least is {least['cpu']:.3g} µs at {least['at']:,} {series}; up to {points[-1]['at']:,} nothing costs a quarter more."
    return (f"The least is {least['cpu']:.3g} µs at {least['at']:,} {series}; it bends at {later[0]['at']:,}, where a request costs "
            f"{later[0]['cpu'] / least['cpu']:.2f} times that, and {points[-1]['cpu'] / least['cpu']:.2f} times at {points[-1]['at']:,}.")
