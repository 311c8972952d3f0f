"""What a delta costs when it is made while a client waits. The server's background is kept from making them before: it has room for one work, and
only when there is nothing else to do."""
import shutil

from . import contenders, visits
from .browser import Visitor
from .contenders import UNPREPARED

LEAST, MOST = 1 << 10, 4 << 20    # bytes: what is offered as a dictionary at all; what is coded while a client waits
LARGE, SMALL = "64 KiB and more", "smaller"
LEAST_LARGE = 64 << 10
TOLD = "dictionary_requests_total"
ONLY, NOTHING = "dcz", "identity"   # accepted: so that no other coding is made meanwhile, and none is sent instead
AT_ONCE = 8                         # requests, as of a page with so many scripts and styles


def measure(bench, released, rounds, sidecars):
    """[{step, round, files, made, again, br}]: samples of the visit for which the deltas are made, and of the next one, for which they are stored;
    bytes of the same files as the build step has them."""
    return [found for number in range(rounds) for step in range(1, len(released.steps))
            for found in one(bench, released, step, number, sidecars)]


def one(bench, released, step, number, sidecars):
    before, wanted = ({path: asset for path, asset in assets.items() if LEAST <= asset.size <= MOST} for assets in
                      (released.steps[step - 1], released.steps[step]))
    changed = {path: asset for path, asset in wanted.items() if path not in before}
    folder = contenders.open_folder(bench.scratch / f"fly-{step}-{number}")
    contenders.deploy(folder, before)
    server = contenders.Contender(bench, UNPREPARED, folder)
    try:
        visitors = [Visitor(bench, server, codings=NOTHING, with_dictionary=ONLY, at_once=AT_ONCE) for _ in range(2)]
        server.drain(contenders.AFTER_DEPLOY)
        for visitor in visitors:
            visitor.visit(before)
        contenders.deploy(folder, wanted)
        server.drain(contenders.AFTER_DEPLOY)
        stranger = Visitor(bench, server, dictionaries=False, codings=NOTHING, at_once=AT_ONCE)
        stranger.visit(changed)   # from here on the files are known and in memory
        server.drain()
        found = [observed(visitors, files, assets) | {"step": step, "round": number} for files, assets in by_size(changed).items()]
        for visitor in (*visitors, stranger):
            visitor.leave()
    finally:
        server.stop()
        shutil.rmtree(folder)
    for each in found:
        each["br"] = sum(sidecars.least(changed[path]) for path in each["made"].pop("deltas"))
        print(f"bench: deltas of release {step} on the fly, {each['files']}: {each['made']['codings']} {each['made']['told']}, "
              f"{per_megabyte([each['made']]):.2f} ms/MB; then {each['again']['told']}, {per_megabyte([each['again']]):.2f} ms/MB", flush=True)
    return found


def by_size(assets):
    """What is asked for apart from the rest, where there is any."""
    large = {path: asset for path, asset in assets.items() if asset.size >= LEAST_LARGE}
    parts = {LARGE: large, SMALL: {path: asset for path, asset in assets.items() if path not in large}}
    return {files: part for files, part in parts.items() if part}


def observed(visitors, files, assets):
    first, second = visitors
    made, again = visit(first, assets), visit(second, assets)
    del again["deltas"]
    return {"files": files, "made": made, "again": again}


def visit(visitor, assets):
    """A sample of the visit, with how the server says that it came by the deltas."""
    before = visitor.server.metrics()
    answers, cpu = visits.timed(visitor, assets)
    deltas = [path for path, answer in answers.items() if answer["coding"] == "dcz"]
    counted = {name: value - before.get(name, 0) for name, value in visitor.server.metrics().items() if TOLD in name}
    told = {name.partition('"')[2].rstrip('"}'): value for name, value in counted.items() if value}
    return visits.sample(answers, cpu, assets) | {"deltas": deltas, "told": told}


def per_megabyte(samples):
    """CPU ms of whole visits per MB, uncoded, of what came as a delta."""
    size = sum(sample["sizes"].get("dcz", 0) for sample in samples)
    return sum(sample["cpu"] for sample in samples) * 1e9 / size if size else 0.0
