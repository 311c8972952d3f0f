"""First visits, and visits after a release: what goes over the wire, and what the server spends on it. All servers run all the time and take
turns; a release comes to all of them, and is asked for once ours has done what it does in the background."""
import collections

from . import contenders
from .browser import Visitor
from .contenders import CONTENDERS, CODED, OURS, OWN, PLAIN

WITHOUT = "selvage, client without dictionaries"
SERVERS = [contenders.IDENTITY, contenders.GZIP, contenders.NGINX_BR, contenders.CADDY_BR, OURS]
RETURNING = [*SERVERS[:-1], WITHOUT, OURS]
TOLD = ("codings", "dictionar", "delta", "background", "release")   # words in the names of counters that the page shows


def measure(bench, corpus, rounds, sidecars):
    folders = {kind: contenders.open_folder(bench.scratch / kind) for kind in (PLAIN, CODED, OWN)}
    steps, started = [], []
    try:
        release(folders, corpus.steps[0], sidecars)
        started = [contenders.Contender(bench, name, folders[CONTENDERS[name].files]) for name in SERVERS]
        crowd = Crowd(bench, {server.name: server for server in started}, rounds)
        for step, assets in enumerate(corpus.steps):
            before = crowd.ours.background_seconds()
            if step > 0:
                release(folders, assets, sidecars)
            crowd.settle(assets)
            fresh = corpus.changed(step) if step > 0 else assets
            background = {"cpu": crowd.ours.background_seconds() - before, "size": sum(asset.size for asset in fresh.values())}
            print(f"bench: release {step}: {len(fresh)} new files of {background['size'] / 1e6:.1f} MB, on which ours spent "
                  f"{background['cpu']:.1f} s in the background", flush=True)
            steps.append({"step": step, "background": background, "first": crowd.first_visits(assets), "returning": crowd.returning_visits(assets)})
        crowd.leave()
        counted = {name: value for name, value in crowd.ours.metrics().items() if value and any(word in name for word in TOLD)}
        return {"steps": steps, "counted": counted, "sidecars": sidecars.cost()}
    finally:
        for server in started:
            server.stop()


def release(folders, assets, sidecars):
    for kind, folder in folders.items():
        contenders.deploy(folder, assets, sidecars if kind == CODED else None)


class Crowd:
    """Those who come again with each release, a set for each round; and scouts, who come first, so that ours learns what is asked for."""

    def __init__(self, bench, servers, rounds):
        self.bench, self.servers, self.rounds, self.ours = bench, servers, rounds, servers[OURS]
        self.scouts = [self.visitor(OURS) for _ in range(2)]
        self.regulars = [{view: self.visitor(view) for view in RETURNING} for _ in range(rounds)]

    def visitor(self, view):
        return Visitor(self.bench, self.servers[OURS if view == WITHOUT else view], dictionaries=view == OURS)

    def settle(self, assets):
        """Until two visits in a row bring the same bytes."""
        self.ours.drain(contenders.AFTER_DEPLOY)
        for scout in self.scouts:
            scout.visit(assets)
            self.ours.drain()
        before = None
        for _ in range(6):
            total = sum(answer["body"] for answer in self.once(OURS, assets)[0].values())
            self.ours.drain()
            if total == before:
                return
            before = total
        print("bench: ours sends other bytes each time", flush=True)

    def once(self, view, assets):
        """(answers, CPU seconds) of somebody who comes for the first time."""
        visitor = self.visitor(view)
        try:
            return timed(visitor, assets)
        finally:
            visitor.leave()

    def first_visits(self, assets):
        """View → one sample per round."""
        found = {view: [] for view in SERVERS}
        for _ in range(self.rounds):
            for view in SERVERS:
                found[view].append(sample(*self.once(view, assets), assets))
        return found

    def returning_visits(self, assets):
        found = {view: [] for view in RETURNING}
        for regulars in self.regulars:
            for view, visitor in regulars.items():
                found[view].append(sample(*timed(visitor, assets), assets))
        return found

    def leave(self):
        for visitor in [*self.scouts, *(visitor for regulars in self.regulars for visitor in regulars.values())]:
            visitor.leave()


def timed(visitor, assets):
    before = visitor.server.foreground_seconds()
    answers = visitor.visit(assets)
    return answers, visitor.server.foreground_seconds() - before


def sample(answers, cpu, assets):
    """What of it counts, by package, and by coding: how many, their bytes uncoded, their bytes as they came."""
    packages, codings, sizes, contents = {}, collections.Counter(), collections.Counter(), collections.Counter()
    for path, answer in answers.items():
        of = packages.setdefault(assets[path].package, {"files": 0, "size": 0, "content": 0, "wire": 0, "asked": 0})
        of["files"] += 1
        of["size"] += assets[path].size
        of["content"] += answer["coded"]
        of["wire"] += answer["head"] + answer["body"]
        of["asked"] += answer["asked"]
        codings[answer["coding"]] += 1
        sizes[answer["coding"]] += assets[path].size
        contents[answer["coding"]] += answer["coded"]
    return {"cpu": cpu, "size": sum(sizes.values()), "packages": packages, "codings": dict(codings), "sizes": dict(sizes), "contents": dict(contents)}
