"""The very first request for a script of 1 MB, which no server has seen before: until its first byte, until its last, and the CPU that it takes."""
import dataclasses
import statistics

from . import contenders, corpus
from .browser import CODINGS, Visitor
from .contenders import CONTENDERS, GZIP, GZIP_6, IDENTITY, OURS

SIZE = 1 << 20
BROTLI, OURS_GZIP = "selvage, client with br", "selvage, client with gzip"
ASKED = {IDENTITY: (IDENTITY, CODINGS), GZIP: (GZIP, CODINGS), GZIP_6: (GZIP_6, CODINGS), OURS: (OURS, CODINGS), BROTLI: (OURS, "gzip, deflate, br"),
         OURS_GZIP: (OURS, "gzip")}   # view → (server, what the client accepts)


def measure(bench, packages, rounds):
    """View → one sample per round: first, content, total in µs, cpu in s, content in bytes, coding."""
    folder = contenders.open_folder(bench.scratch / "first")
    scripts = write(bench, packages, rounds)
    contenders.deploy(folder, {path: asset for of_round in scripts for path, asset in of_round.values()})
    found, started = {view: [] for view in ASKED}, []
    try:
        started = [contenders.Contender(bench, name, folder) for name in dict.fromkeys(server for server, _ in ASKED.values())]
        servers = {server.name: server for server in started}
        visitors = {view: Visitor(bench, servers[server], dictionaries=False, codings=codings) for view, (server, codings) in ASKED.items()}
        servers[OURS].drain(contenders.AFTER_DEPLOY)
        for of_round in scripts:
            for view, visitor in visitors.items():
                found[view].append(one(visitor, *of_round[view]))
                servers[OURS].drain()   # what it does in the background is not what the next one waits for
        for visitor in visitors.values():
            visitor.leave()
    finally:
        for server in started:
            server.stop()
    for view, samples in found.items():
        middle = statistics.median(sample["total"] for sample in samples) / 1e3
        print(f"bench: first request, {view:28} {middle:6.1f} ms, {samples[0]['coding']}", flush=True)
    return found


def one(visitor, path, asset):
    before = visitor.server.foreground_seconds()
    answer, = visitor.ask([path], {path: asset})
    cpu = visitor.server.foreground_seconds() - before
    return {"first": answer["first"], "content": answer["content"], "total": answer["total"], "cpu": cpu, "bytes": answer["coded"], "coding": answer["coding"]}


def write(bench, packages, rounds):
    """[view → (path, asset)]: in each round a script of 1 MB for each, from real ones that follow each other; only their first lines differ."""
    real = b"".join(asset.file.read_bytes() for _, asset in sorted(packages.steps[-1].items()) if asset.path.endswith(".js"))
    real *= 1 + 2 * SIZE // len(real)
    return [{view: script(bench, f"{view} {number}", real[(len(real) - SIZE) * number // rounds:]) for view in ASKED} for number in range(rounds)]


def script(bench, words, real):
    content = f"/* {words} */\n".encode() + real
    asset = corpus.keep(bench.cache, "first", "", content[:SIZE])
    path = f"/assets/first-{corpus.tail(content[:SIZE])}.js"
    return path, dataclasses.replace(asset, path=path)
