"""What is measured: the table of cells, and the rounds in which the servers take turns."""
import dataclasses
import sys
import typing

from . import content, load
from .servers import FLOOR, url

H2, H1, WRK, H1_TLS, HANDSHAKE = ("HTTP/2 over TLS 1.3", "HTTP/1.1, h2load", "HTTP/1.1, wrk", "HTTP/1.1 over TLS 1.3", "TLS 1.3 handshakes")
SIZES = list(content.SIZES)
# Connections × streams. Of large responses fewer are under way, for all servers alike: with 1024 of 1 MB none would end within a second.
STREAMS = {"1 KB": (32, 32), "10 KB": (32, 32), "100 KB": (32, 8), "1 MB": (8, 4)}


@dataclasses.dataclass
class Cell:
    name: str
    group: str
    run: typing.Callable   # (context, server) → Sample
    floor: bool = False    # measured on the floor, too
    quick: bool = True     # part of --quick


@dataclasses.dataclass
class Context:
    """What a run of a cell needs besides the server."""
    seconds: float
    warm_up: float
    per_connection: float   # seconds of warm-up more for each connection: the handshakes must be over
    connections: object     # the program `connections`
    mix: dict               # server → file of URLs, mean bytes of a body


def h2(name, path, connections, streams, size=None):
    def run(context, server):
        warm_up = context.warm_up + connections * context.per_connection
        return load.h2load(server, url(server, path), context.seconds, warm_up, connections, streams, size)
    return Cell(f"{name}, {connections} × {streams}", H2, run, floor=True)


def large(name):
    """Counted by the bytes that went over instead of whole responses."""
    return content.SIZES[name] if content.SIZES[name] >= 100 << 10 else None


def h1(name, tls):
    def run(context, server):
        return load.h2load(server, url(server, content.PATHS[name], tls), context.seconds, context.warm_up, 32, 1, large(name), http1=True)
    return Cell(f"{name}, {'TLS' if tls else 'plain'}, h2load", H1_TLS if tls else H1, run, quick=name in ("1 KB", "100 KB"))


def wrk(name):
    return Cell(f"{name}, plain, wrk", WRK, lambda context, server: load.wrk(server, url(server, content.PATHS[name], tls=False), context.seconds, 32),
                quick=name == "1 KB")


def mix():
    def run(context, server):
        urls, mean = context.mix[server.name]
        return load.h2load(server, urls, context.seconds, context.warm_up, 32, 32, mean, fields=["accept-encoding: br"])
    return Cell("mix, 32 × 32", H2, run)


def handshake(kind):
    def run(context, server):
        port = url(server, "/1k.bin").split(":")[2].split("/")[0]
        return load.handshakes(server, context.connections, port, context.seconds, kind)
    return Cell(f"{kind} handshake", HANDSHAKE, run, floor=True)


CELLS = [
    *(h2(name, content.PATHS[name], *STREAMS[name], size=large(name)) for name in SIZES),
    mix(),
    h2("1 KB", "/1k.bin", 1, 1),
    h2("1 KB", "/1k.bin", 1000, 1),
    handshake("full"), handshake("resumed"),
    *(wrk(name) for name in SIZES),
    *(h1(name, tls=False) for name in SIZES),
    *(h1(name, tls=True) for name in SIZES),
]


def measure(cells, servers, context, rounds):
    """Cell → server → one dictionary per round: a Sample's fields, or `error`."""
    results = {cell.name: {} for cell in cells}
    for number in range(1, rounds + 1):
        for cell in cells:
            for server in servers:
                if server.name != FLOOR or cell.floor:
                    results[cell.name].setdefault(server.name, []).append(one(cell, context, server, f"{number}/{rounds}"))
    return results


def one(cell, context, server, progress):
    try:
        sample = dataclasses.asdict(cell.run(context, server))
        if sample["cpu"] <= 0:
            raise load.Unfit("no CPU was used: the server was waiting all the time")
        told = f"{sample['rate']:10.0f} /s {sample['cpu']:9.2f} µs   p50 {sample['p50']:8.0f}  p99 {sample['p99']:8.0f} µs"
    except load.Unfit as error:
        sample = {"error": str(error)}
        told = "ERROR " + " ".join(str(error).split())[-160:]
    print(f"bench: {progress}  {cell.name:22} {server.name:8} {told}", file=sys.stderr, flush=True)
    return sample
