"""How the cost of Selvage grows with workers, connections and files: 1 KB over HTTP/2 and TLS 1.3."""
import statistics

from . import content, load, servers

CONNECTIONS = [1, 10, 100, 1000, 10_000]
FILES = [10, 100, 1000, 10_000, 100_000]
WORKERS = [1, 2]


def measure(bench, context, rounds, quick):
    """Series → list of {at, rate, cpu}; a point that failed is left out and named in `errors`."""
    files = FILES[:3] if quick else FILES
    paths = content.write_many(bench.files, files[-1])
    errors = []

    def points(label, values, sample):
        found = []
        for value in values:
            try:
                taken = [sample(value) for _ in range(rounds)]
            except load.Unfit as error:
                errors.append(f"{label} {value}: {' '.join(str(error).split())[-200:]}")
                continue
            found.append({"at": value, **{field: statistics.median(getattr(one, field) for one in taken) for field in ("rate", "cpu")}})
            print(f"bench: {label} {value:7}  {found[-1]['rate']:10.0f} /s {found[-1]['cpu']:8.2f} µs", flush=True)
        return found

    grown = {"workers": points("workers", WORKERS, lambda count: with_workers(bench, context, count))}
    server = servers.start(bench, servers.OURS)
    try:
        grown["connections"] = points("connections", CONNECTIONS[:3] if quick else CONNECTIONS, lambda count: with_connections(server, context, count))
        grown["files"] = points("files", files, lambda count: with_files(bench, server, context, paths[:count]))
    finally:
        server.stop()
    return {**grown, "errors": errors}


def with_workers(bench, context, count):
    server = servers.start(bench, servers.OURS, workers=count)
    try:
        return load.h2load(server, servers.url(server, "/1k.bin"), context.seconds, context.warm_up, 32, 32)
    finally:
        server.stop()


def with_connections(server, context, count):
    """One stream on each."""
    return load.h2load(server, servers.url(server, "/1k.bin"), context.seconds, context.warm_up + count * context.per_connection, count, 1)


def with_files(bench, server, context, paths):
    """Two connections that go through the whole list again and again: the order that a cache likes least. Twice the list is the
    warm-up, at no less than 50,000 a second, and the measured time goes through it at least once."""
    urls = bench.scratch / "files.txt"
    urls.write_text("".join(servers.url(server, path) + "\n" for path in paths))
    passes = 2 * len(paths) / 50_000
    return load.h2load(server, urls, max(context.seconds, passes / 2), context.warm_up + passes, 2, 100)
