"""Images that were made before, and a static file of the same bytes."""
from .. import load
from . import asking, services, stages

FILE = "static file"


def measure(bench, names, seconds, rounds):
    """An image that was made before. Cells: over HTTP/1.1 of all, over HTTP/2 and TLS of ours; and of ours a static file with the same
    bytes. CPU in µs per request."""
    wish = services.Wish(bench.names[0], 640, "webp")

    def plain(service, target, fields):
        return load.h2load(service, service.http + target, seconds, 0.2, 32, 1, http1=True, fields=fields)

    def run(started):
        cells = {name: {} for name in ("HTTP/1.1, 32 connections", "HTTP/2 over TLS 1.3, 32 × 32", "HTTP/2 over TLS 1.3, 8 × 4")}
        one, *multiplexed = cells
        for service in started:
            body = asking.ask_once(service, wish).body
            if not asking.ask_once(service, wish).was_stored():
                raise SystemExit(f"bench: {service.name} did not keep {wish}")
            if service.name == services.OURS:
                (bench.files / "same.webp").write_bytes(stages.finished(service, wish) or body)
                service.wait_for(service.http + "/same.webp")
        for number in range(rounds):
            for service in started:
                path, fields = service.request(wish)
                targets = [(service.name, path), *([(FILE, "/same.webp")] if service.name == services.OURS else [])]
                targets = targets[::-1] if number % 2 else targets   # neither always comes first
                for label, target in targets:
                    add(cells[one], label, lambda: plain(service, target, [f"{name}: {value}" for name, value in fields.items()]))
                for cell, shape in zip(multiplexed, ((32, 32), (8, 4))):
                    for label, target in targets if service.https else []:
                        add(cells[cell], label, lambda: load.h2load(service, service.https + target, seconds, 0.3, *shape))
        return [{"name": name, "group": "hits", "samples": samples} for name, samples in cells.items()]

    # IPX keeps nothing: what stands before it does.
    return stages.with_services(bench, [services.NGINX if name == services.IPX else name for name in names], run)


def add(samples, label, run):
    try:
        sample = run()
        samples.setdefault(label, []).append({"cpu": sample.cpu, "rate": sample.rate, "p50": sample.p50, "p99": sample.p99})
        stages.tell(f"hits  {label:16} {sample.cpu:8.2f} µs of CPU   {sample.rate:8.0f} /s")
    except load.Unfit as error:
        samples.setdefault(label, []).append({"error": str(error)})
        stages.tell(f"hits  {label}: {error}")
