"""What a delta costs when it is made while a client waits. Between two releases lies one that nobody sees, so that what is made in advance is
the delta from that one, and the one from the release before it has to be made for the first visitor who has it."""
import re
import shutil

from . import contenders, corpus, visits
from .browser import Visitor
from .contenders import OURS

LEAST, MOST = 1 << 10, 4 << 20    # bytes: what is offered as a dictionary at all; what is coded while a client waits
CERTAIN = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d.*\d)[A-Za-z0-9]{8}$")
TOLD = "dictionary_requests_total"
ONLY, NOTHING = "dcz", "identity"   # accepted: so that no other coding is made meanwhile, and none is sent instead


def measure(bench, released, rounds, sidecars):
    """[{step, made, again, br}]: samples of the visit for which the deltas are made, and of the next one, for which they are stored; bytes of
    the same files as the build step has them."""
    return [one(bench, released, step, f"fly-{step}-{number}", sidecars) for number in range(rounds) for step in range(1, len(released.steps))]


def one(bench, released, step, name, sidecars):
    before, wanted = ({path: asset for path, asset in assets.items() if LEAST <= asset.size <= MOST} for assets in
                      (released.steps[step - 1], released.steps[step]))
    changed = {path: asset for path, asset in wanted.items() if path not in before}
    folder = contenders.open_folder(bench.scratch / name)
    contenders.deploy(folder, before)
    server = contenders.Contender(bench, OURS, folder)
    try:
        visitors = [Visitor(bench, server, codings=NOTHING, with_dictionary=ONLY) for _ in range(2)]
        server.drain(contenders.AFTER_DEPLOY)
        for visitor in visitors:
            visitor.visit(before)
        for assets in (between(bench, changed, before), wanted):
            contenders.deploy(folder, assets)
            server.drain(contenders.AFTER_DEPLOY)
        stranger = Visitor(bench, server, dictionaries=False, codings=NOTHING)
        stranger.visit(changed)   # from here on the files are known and in memory
        server.drain()
        made, again = (observed(visitor, changed) for visitor in visitors)
        for visitor in (*visitors, stranger):
            visitor.leave()
    finally:
        server.stop()
        shutil.rmtree(folder)
    print(f"bench: deltas of release {step} on the fly: {made['codings']} {made['told']}, "
          f"{per_megabyte(made):.2f} ms/MB; then {again['told']}, {per_megabyte(again):.2f} ms/MB", flush=True)
    return {"step": step, "made": made, "again": again, "br": sum(sidecars.least(changed[path]) for path in made["deltas"])}


def observed(visitor, assets):
    """A sample of the visit, with how the server says that it came by the deltas."""
    before = visitor.server.metrics()
    answers, cpu = visits.timed(visitor, assets)
    deltas = [path for path, answer in answers.items() if answer["coding"] == "dcz"]
    counted = {name: value - before.get(name, 0) for name, value in visitor.server.metrics().items() if TOLD in name}
    told = {name.partition('"')[2].rstrip('"}'): value for name, value in counted.items() if value}
    return visits.sample(answers, cpu, assets) | {"deltas": deltas, "told": told}


def per_megabyte(sample):
    """CPU ms of the whole visit per MB, uncoded, of what came as a delta."""
    return sample["cpu"] * 1e3 / (sample["sizes"]["dcz"] / 1e6) if sample["sizes"].get("dcz") else 0.0


def between(bench, changed, before):
    """Each file with a line more, by the name that it would have then. It is larger than what it replaces: of releases that follow each
    other within two minutes the largest file may count as the latest. And its name leaves no doubt that there is a hash in it: what is not
    recognised is no dictionary."""
    found, largest = {}, {}
    for path, asset in before.items():
        largest[stem_of(path)] = max(asset.size, largest.get(stem_of(path), 0))
    for path, asset in changed.items():
        line = max(largest.get(stem_of(path), 0) - asset.size, 0) + 16
        ends = (b"\n/*" + b"-" * more + b"*/\n" for more in range(line, line + 1000))
        content = next(content for end in ends if CERTAIN.match(corpus.tail(content := asset.file.read_bytes() + end)))
        path = f"{stem_of(path)}{corpus.tail(content)}.{path.rpartition('.')[2]}"
        found[path] = corpus.keep(bench.cache, asset.package, path, content)
    return found


def stem_of(path):
    """Without the eight characters of the hash."""
    return path.rpartition(".")[0][:-8]
