"""Damaged pictures and bombs, by the thousand: each is answered in time, by a variant or a clear refusal; others notice little of it."""
import collections
import http.client
import json
import multiprocessing
import os
import pathlib
import shutil
import socket
import statistics
import time

from .verdict import counts, mebibytes
from .witness import Witness

from . import ground as _  # puts tests/e2e on the path
import bombs
import damage

MOST = 2.0             # times another request's median without the attack
FLAT = 8 << 20         # bytes of the server's own pages, from the end of the warm-up on
WARM_UP = 0.2          # of the pictures: buffers are made, tables have their size
TOTAL = 17             # seconds: image.total_timeout, and deadlines are looked at once a second or two
COLD_EVERY = 0.25      # seconds between two variants of a healthy picture that nobody asked for before
CLEAR = {400, 413, 415, 422}
TOO_MANY = 429
PAUSE = 0.2            # seconds until the next try: four more may be made
BUSY = {503, 504}      # by overload and by deadline
LOST = "worker_crashed", "processing_timeout"
# Small, so that they are full when the warm-up ends.
SETTINGS = """
[cache]
memory = "1MiB"
disk = "64MiB"
[limits]
address_exempt = []
catalogue_entries = 1000
memory_file = "4KiB"
[image]
rasterise_svg = true
"""


def run(ground, verdicts, out):
    options, kept = ground.options, out / "lost"
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir()
    with ground.server(SETTINGS) as server, socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        write_healthy(ground.files)
        asked = write_hostile(ground.files, server, options, listener.getsockname()[1])
        others = Others(server)
        attack = Attack(server, asked, options.clients)
        memory = others.watch_during(attack)
        judge_answers(verdicts, attack.answers, ground.files, kept)
        verdicts.add("who asks for much is held back", f"{attack.held.value} × 429", True)
        judge_others(verdicts, others)
        judge_server(verdicts, server, memory, attack.answers, pathlib.Path(ground.log.name))
        verdicts.add("nobody was called", "a connection" if connected(listener) else "no connection", not connected(listener))


def write_healthy(files):
    import pictures
    (files / "healthy.jpg").write_bytes(pictures.jpeg(320, 240))


def write_hostile(files, server, options, port):
    """Returns the targets, in their order."""
    good = damage.samples() | {path.name: path.read_bytes() for path in shared(files)}
    good["made.avif"] = ask(server, "/healthy.jpg?w=64&fm=avif")[2]
    targets = []
    for seed in range(options.seed, options.seed + options.count):
        name, content = damage.damaged(good, seed)
        (files / name).write_bytes(content)
        targets.append(f"/{name}?{damage.order_for(seed)}")
    named = [(name, make()) for name, (make, _) in bombs.BOMBS.items()] + list(bombs.calling(port))
    for number, (name, content) in enumerate(named):
        (files / name).write_bytes(content)
        targets.insert(number * len(targets) // len(named), f"/{name}?{bombs.order_for(name)}")
    return targets


def shared(files):
    """Photographs and what else is there of real pictures."""
    folder = pathlib.Path(__file__).resolve().parents[2].parent / "shared" / "data" / "images"
    return [path for path in folder.glob("*.*") if path.suffix != ".md"]


def connect(server, address):
    return http.client.HTTPConnection("127.0.0.1", server.ports["http"], timeout=60, source_address=(address, 0))


def ask(server, target, connection=None):
    """(status, code of the refusal, body)"""
    own = connection or connect(server, "127.0.0.4")
    own.request("GET", target, headers={"Accept": "image/avif,image/webp,*/*"})
    response = own.getresponse()
    body, code = response.read(), ""
    if response.status >= 400 and response.headers.get_content_type() == "application/problem+json":
        code = json.loads(body).get("code", "")
    if connection is None:
        own.close()
    return response.status, code, body


class Attack:
    """Several clients, each a process and an address of its own, that ask while `go` is set, and as fast as image.client_misses lets them."""

    def __init__(self, server, targets, clients):
        self.go, self.results, self.answers = multiprocessing.Event(), multiprocessing.SimpleQueue(), []
        self.done, self.held, self.total = multiprocessing.Value("i", 0), multiprocessing.Value("i", 0), len(targets)
        self.clients = [multiprocessing.Process(target=self.run, args=(server, f"127.0.1.{number + 1}", targets[number::clients]), daemon=True)
                        for number in range(clients)]
        for client in self.clients:
            client.start()
        self.left = clients

    def run(self, server, address, targets):
        os.nice(10)  # others go first: they are what is measured
        connection, answers = connect(server, address), []
        for target in targets:
            answers.append((target, *self.answered(server, target, connection)))
            with self.done.get_lock():
                self.done.value += 1
        self.results.put(answers)

    def answered(self, server, target, connection):
        """(status, code, seconds) of the first answer that is not "too many"."""
        while True:
            self.go.wait()
            began = time.monotonic()
            try:
                status, code, _ = ask(server, target, connection)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                return 0, type(error).__name__, time.monotonic() - began
            if status != TOO_MANY:
                return status, code, time.monotonic() - began
            with self.held.get_lock():
                self.held.value += 1
            time.sleep(PAUSE)

    def over(self):
        while not self.results.empty():
            self.answers += self.results.get()
            self.left -= 1
        return self.left == 0


class Others:
    """Three kinds of healthy requests, without and with the attack: {kind: [seconds]}."""

    def __init__(self, server):
        self.server, self.next, self.asked, self.refused = server, 0, time.monotonic(), collections.Counter()
        ask(server, "/healthy.jpg?w=64")
        # As long as the other path: both are literals of one byte's length.
        self.witnesses = {"a static file": Witness(server), "a variant that is stored": Witness(server, "/healthy.jpg?w=64")}
        self.without, self.during = collections.defaultdict(list), collections.defaultdict(list)

    def watch(self, seconds, into):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for kind, witness in self.witnesses.items():
                into[kind].append(witness.ask())
            if time.monotonic() - self.asked > COLD_EVERY:
                into["a variant that is made"].append(self.cold())
            time.sleep(0.002)

    def cold(self):
        self.next += 1
        began = time.perf_counter()
        status, code, _ = ask(self.server, f"/healthy.jpg?w={20 + self.next % 280}&q={10 + self.next // 280}&fm=jpeg")
        self.asked = time.monotonic()
        if status != 200:
            self.refused[f"{status} {code}"] += 1
        return time.perf_counter() - began

    def watch_during(self, attack):
        """Until it is over, on and off; [(part done, the server's memory)]."""
        memory, shown = [], time.monotonic()
        while not attack.over():
            self.watch(0.5, self.without)
            attack.go.set()
            self.watch(1.5, self.during)
            attack.go.clear()
            memory.append((attack.done.value / attack.total, self.server.memory()))
            if time.monotonic() - shown > 15:
                shown = time.monotonic()
                print(f"torture:   {attack.done.value} of {attack.total}, memory {mebibytes(memory[-1][1])}", flush=True)
        return memory

    def compared(self):
        for kind in sorted(self.without):
            quiet, attacked = statistics.median(self.without[kind]), statistics.median(self.during[kind])
            yield kind, quiet, attacked, len(self.during[kind])


def judge_answers(verdicts, answers, files, kept):
    seen = collections.Counter(" ".join(filter(None, (str(status), code))) for _, status, code, _ in answers)
    lost = [(target, status, code) for target, status, code, _ in answers if code in LOST or status == 500 or status == 0]
    for target, status, code in lost:
        name = target[1:].partition("?")[0]
        shutil.copy(files / name, kept / name)
        print(f"torture:   {target}: {status} {code}", flush=True)
    clear = all(status == 200 or (code and (status in CLEAR or status in BUSY)) for _, status, code, _ in answers)
    verdicts.add("each answer is a variant or clear", f"{len(answers)}: {counts(seen)}", clear)
    slowest = max(answers, key=lambda answer: answer[3])
    verdicts.add("each answer is in time", f"{slowest[3]:.2f} s at most ({slowest[0]})", slowest[3] < TOTAL)
    verdicts.add("no source took a worker with it", f"{len(lost)}, kept in build/torture/lost", not lost)


def judge_others(verdicts, others):
    for kind, quiet, attacked, number in others.compared():
        verdicts.add(f"another's request: {kind}", f"×{attacked / quiet:.2f} ({quiet * 1e3:.2f} → {attacked * 1e3:.2f} ms, {number} asked for)",
                     attacked <= MOST * quiet)
    verdicts.add("healthy variants refused", counts(others.refused) or "none", not others.refused)


def judge_server(verdicts, server, memory, answers, log):
    warm = [size for part, size in memory if part >= WARM_UP] or [size for _, size in memory]
    quarter = max(1, len(warm) // 4)
    grown = statistics.median(warm[-quarter:]) - statistics.median(warm[:quarter])
    verdicts.add("the server's own memory", f"{mebibytes(max(warm))} at most, {mebibytes(grown)} more in the last quarter than in the first",
                 grown < FLAT)
    metrics = server.metrics()
    restarts, poisoned = (int(metrics.get(f"selvage_{name}_total", 0)) for name in ("worker_restarts", "sources_poisoned"))
    named = sum("; replaced" in line for line in log.read_text(errors="replace").splitlines())
    verdicts.add("the log names each lost worker", f"{restarts} replaced, {named} in the log, {poisoned} sources refused for it", named == restarts)
    verdicts.add("afterwards", "answers" if server.alive() else "does not answer", server.alive())


def connected(listener):
    try:
        listener.accept()[0].close()
        return True
    except BlockingIOError:
        return False
