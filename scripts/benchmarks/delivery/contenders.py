"""The servers of a release: how each is set up, how a release comes to it, and when it has done what it does in the background. To add one:
an entry in CONTENDERS."""
import dataclasses
import getpass
import os
import pathlib
import re
import string
import time
import typing

from .. import process
from ..plot import COLOURS as KNOWN
from ..servers import free_port
from .browser import READY

TEMPLATES = pathlib.Path(__file__).resolve().parent / "configurations"
OURS = "selvage"
UNPREPARED = "selvage, nothing in advance"
PAGES_DICTIONARY, PAGE_DELTAS = "selvage, dictionary of the site", "selvage, page deltas"
IDENTITY, GZIP, GZIP_6, NGINX_BR, CADDY_BR = "nginx, identity", "nginx, gzip", "nginx, gzip 6", "nginx, br files", "Caddy, br files"
TYPES = "gzip_types text/css text/javascript; gzip_vary on;"   # and nothing said about the level: it is 1
PLAIN, CODED, OWN = "plain", "coded", "own"    # a folder each: files alone; with .br and .gz beside them; ours alone
CALM = 0.02    # of a core: what a server without work uses
SCHED_IDLE = 5
AFTER_DEPLOY = 12    # looks of 0.4 s: a release is no release before the folder has stood still for a while


@dataclasses.dataclass
class Bench:
    """What all of one run share."""
    selvage: pathlib.Path      # the program
    visitor: pathlib.Path      # the client
    scratch: pathlib.Path      # certificate, configurations, logs, folders
    cache: pathlib.Path        # what is kept from run to run
    descriptors: int
    cores: typing.Callable     # number of cores → the cores of a server
    log: typing.TextIO


@dataclasses.dataclass
class Kind:
    files: str                 # which folder
    template: str
    values: dict
    command: typing.Callable   # (bench, configuration file) → arguments


def nginx(files, compression):
    return Kind(files, "nginx.conf", {"compression": compression}, lambda bench, file: ["nginx", "-p", bench.scratch, "-c", file])


def ours(site="", compression=""):
    values = {"site": site, "compression": f"[compression]\n{compression}" if compression else ""}
    return Kind(OWN, "selvage.toml", values, lambda bench, file: [bench.selvage, "serve", "--config", file])


CONTENDERS = {
    IDENTITY: nginx(PLAIN, ""),
    GZIP: nginx(PLAIN, f"gzip on; {TYPES}"),
    GZIP_6: nginx(PLAIN, f"gzip on; gzip_comp_level 6; {TYPES}"),
    NGINX_BR: nginx(CODED, "gzip_static on; brotli_static on; gzip_vary on;"),
    CADDY_BR: Kind(CODED, "Caddyfile", {}, lambda bench, file: ["env", f"HOME={bench.scratch}", "caddy", "run", "--config", file, "--adapter", "caddyfile"]),
    OURS: ours(),
    UNPREPARED: ours(compression="queue = 1\npause_above = 0"),
    PAGES_DICTIONARY: ours("dictionary = true"),
    PAGE_DELTAS: ours('page_deltas = "5m"'),
}
PRECOMPRESSED = [NGINX_BR, CADDY_BR]
COLOURS = {OURS: KNOWN[OURS], IDENTITY: ("#868e96", "#adb5bd"), GZIP: ("#e8590c", "#ffa94d"), NGINX_BR: KNOWN["nginx"], CADDY_BR: KNOWN["caddy"]}


class Contender(process.Server):
    """A server with the folder that it serves."""

    def __init__(self, bench, name, folder):
        kind = CONTENDERS[name]
        https, http, self.admin = free_port(), free_port(), free_port()
        user = "www-data" if os.getuid() == 0 else getpass.getuser()
        values = {"https": https, "http": http, "admin": self.admin, "scratch": bench.scratch, "files": folder, "user": user, "descriptors": bench.descriptors,
                  **kind.values}
        file = bench.scratch / f"{https}-{kind.template}"
        file.write_text(string.Template((TEMPLATES / kind.template).read_text()).substitute(values))
        super().__init__(name, kind.command(bench, file), bench.cores(1), f"https://127.0.0.1:{https}", None, bench.log)
        self.folder, self.port = folder, https
        self.wait_for(self.https + READY)

    def background_seconds(self):
        """CPU of the threads that only run when nothing else does, or have a nice value of their own."""
        own = thread(self.process.pid)[1]
        return sum(seconds for seconds, nice, policy, _ in map(thread, self.threads()) if policy == SCHED_IDLE or nice != own)

    def foreground_seconds(self):
        return self.cpu_seconds() - self.background_seconds()

    def threads(self):
        return [int(path.name) for pid in self.processes() for path in pathlib.Path(f"/proc/{pid}/task").glob("*")]

    def was_running_after(self, seconds):
        """Does any thread run, or wait for a core, after so long?"""
        time.sleep(seconds)
        return any(state == "R" for _, _, _, state in map(thread, self.threads()))

    def metrics(self):
        """name{labels} → value; empty for those that tell none."""
        if not self.name.startswith(OURS):
            return {}
        text = process.fetch(f"http://127.0.0.1:{self.admin}/metrics")[2].decode()
        return {name: float(value) for name, value in re.findall(r"^(\S+) ([0-9.e+]+)$", text, re.MULTILINE)}

    def waiting(self):
        """Works in the background's queues."""
        return sum(value for name, value in self.metrics().items() if "background_queue" in name or 'work_queue{lane="background"}' in name)

    def drain(self, looks=3, patience=3600):
        """Returns when it has done what it does in the background: the queues are empty, and it has used next to nothing for so many looks."""
        until, calm = time.monotonic() + patience, 0
        while calm < looks:
            stopwatch = process.Stopwatch(self)
            running = sum(self.was_running_after(0.1) for _ in range(4))
            seconds, used = stopwatch.read()
            busy = running == 4 or used > CALM * seconds or self.waiting() > 0
            calm = 0 if busy else calm + 1
            if calm == 0:
                time.sleep(0.5)
            if time.monotonic() > until:
                raise SystemExit(f"bench: {self.name} is still busy in the background after {patience} s")


def thread(number):
    """(CPU seconds, nice, scheduling policy, state) of a thread (proc(5)); nothing of one that has ended."""
    fields = process.read(pathlib.Path(f"/proc/{number}/stat")).rpartition(")")[2].split()
    ran = process.read(pathlib.Path(f"/proc/{number}/schedstat")).split()
    return (int(ran[0]) / 1e9, int(fields[16]), int(fields[38]), fields[0]) if fields and ran else (0.0, 0, 0, "")


def open_folder(folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / READY.lstrip("/")).write_text("ready\n")
    return folder


def deploy(folder, assets, sidecars=None):
    """As rsync --delete-after does: each new file under another name and then by its own; then those go that are in the release no more.
    `sidecars`: (asset) → [(ending, file)]."""
    wanted = {READY.lstrip("/")}
    for path, asset in assets.items():
        for ending, file in [("", asset.file), *(sidecars(asset) if sidecars else [])]:
            relative = path.lstrip("/") + ending
            wanted.add(relative)
            place(file, folder / relative)
    for path in [path for path in folder.rglob("*") if path.is_file() and str(path.relative_to(folder)) not in wanted]:
        path.unlink()


def place(file, target):
    if target.exists():
        return    # the name says what is in it
    target.parent.mkdir(parents=True, exist_ok=True)
    under_way = target.with_name(f".{target.name}.part")
    under_way.write_bytes(file.read_bytes())
    under_way.rename(target)
