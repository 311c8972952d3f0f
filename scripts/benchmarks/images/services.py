"""The servers that are compared: how each is started, and how it is asked for an image. To add one: an entry in SERVICES."""
import dataclasses
import getpass
import os
import pathlib
import string
import subprocess
import typing
import urllib.parse

from .. import process
from ..servers import free_port
from . import peers

TEMPLATES = pathlib.Path(__file__).resolve().parent / "configurations"
OURS, IPX, NEXT, NGINX = "selvage", "ipx", "next", "nginx before ipx"
NEWER = "selvage (newer codecs)"   # of `scripts/build newer-codecs`, where that was built
TICK = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass
class Bench:
    """What all services of one run share."""
    selvage: pathlib.Path       # the program
    peers: pathlib.Path         # folder with node and what npm installed
    next: pathlib.Path          # its application
    scratch: pathlib.Path       # certificate, configurations, logs
    photographs: pathlib.Path   # folder NAME.jpg
    names: list                 # of the photographs
    files: pathlib.Path         # what Selvage serves: kept/ has the photographs, cold/0/ to cold/7/ copies that differ
    descriptors: int
    cores: typing.Callable      # number of cores → the cores of a server
    client: int                 # the core of the clients
    log: typing.TextIO
    newer: pathlib.Path = None  # the program with newer codecs


@dataclasses.dataclass(frozen=True)
class Wish:
    """An image that is asked for. `fresh`: a text of its own for each request that must find nothing made before; empty: what was
    made before will do."""
    photograph: str
    width: int
    format: str    # jpeg, webp, avif
    fresh: str = ""
    copy: int = 0  # below photographs.COPIES; wishes for the same at the same time have different ones, so that nobody answers two with one image


class Service(process.Server):
    """A server of images. Its processes may come and go: what those used that have ended is counted, too."""

    def cpu_seconds(self):
        return sum(process.cpu_clock(pid) + ended_children(pid) for pid in self.processes())

    def peak_bytes(self):
        """The most that each of its processes ever had resident, added up: what they share is counted more than once."""
        return sum(status(pid, "VmHWM") for pid in self.processes()) * 1024

    def request(self, wish):
        """(path, header fields)"""
        return SERVICES[self.name].request(wish)


def ended_children(pid):
    """CPU seconds, in ticks of the system, of the children that have ended and been waited for."""
    fields = process.read(pathlib.Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / TICK if fields else 0.0


def status(pid, field):
    """KiB; 0 when the process has gone."""
    lines = process.read(pathlib.Path(f"/proc/{pid}/status")).splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(field + ":")), 0)


@dataclasses.dataclass
class Kind:
    start: typing.Callable     # (bench, name, cores) → Service
    request: typing.Callable   # (wish) → (path, header fields)


def from_template(bench, template, **values):
    """The configuration file."""
    user = "www-data" if os.getuid() == 0 else getpass.getuser()
    values = {"scratch": bench.scratch, "descriptors": bench.descriptors, "user": user, **values}
    file = bench.scratch / f"{values['http']}-{template}"
    file.write_text(string.Template((TEMPLATES / template).read_text()).substitute(values))
    return file


def start_selvage(bench, name, cores):
    https, http = free_port(), free_port()
    file = from_template(bench, "selvage.toml", https=https, http=http, admin=free_port(), workers=len(cores), files=bench.files, image=unlimited(bench))
    program = bench.newer if name == NEWER else bench.selvage
    return Service(name, [program, "serve", "--config", file], cores, f"https://127.0.0.1:{https}", f"http://127.0.0.1:{http}", bench.log)


# Limits that one client with all requests of a benchmark would meet: row of the option table → what turns it off.
LIMITS = {"image.client_misses": "0", "image.variants_per_source": "0"}


def unlimited(bench):
    known = subprocess.run([bench.selvage, "options"], capture_output=True, text=True).stdout
    return "\n".join(f"{option.removeprefix('image.')} = {value}" for option, value in LIMITS.items() if f"`{option}`" in known)


def start_ipx(bench, name, cores):
    port = free_port()
    command = [peers.node(bench.peers), bench.peers / "ipx.mjs", bench.photographs, port]
    return Service(name, command, cores, None, f"http://127.0.0.1:{port}", bench.log)


def start_next(bench, name, cores):
    port = free_port()
    command = [peers.node(bench.peers), bench.peers / "node_modules/next/dist/bin/next", "start", bench.next, "-p", port, "-H", "127.0.0.1"]
    return Service(name, command, cores, None, f"http://127.0.0.1:{port}", bench.log)


def start_nginx(bench, name, cores):
    """With an IPX of its own behind it, which is no part of what is measured: a hit never goes there."""
    behind, port = start_ipx(bench, IPX, cores), free_port()
    file = from_template(bench, "nginx.conf", http=port, behind=behind.http.rpartition(":")[2], workers=len(cores))
    service = Service(name, ["nginx", "-p", bench.scratch, "-c", file], cores, None, f"http://127.0.0.1:{port}", bench.log)
    stop = service.stop
    service.stop = lambda: (stop(), behind.stop())
    return service


def ask_selvage(wish):
    folder = f"cold/{wish.copy}" if wish.fresh else "kept"
    return f"/{folder}/{wish.photograph}.jpg?w={wish.width}&fm={wish.format}", {}


def ask_ipx(wish):
    return f"/f_{wish.format},w_{wish.width}/{wish.photograph}.jpg", {}   # it keeps nothing, and refuses a query


def ask_next(wish):
    source = f"/photographs/{wish.photograph}.jpg" + (f"?v={wish.fresh}" if wish.fresh else "")
    return f"/_next/image?{urllib.parse.urlencode({'url': source, 'w': wish.width, 'q': 75})}", {"Accept": f"image/{wish.format}"}


SERVICES = {
    OURS: Kind(start_selvage, ask_selvage),
    NEWER: Kind(start_selvage, ask_selvage),
    IPX: Kind(start_ipx, ask_ipx),
    NEXT: Kind(start_next, ask_next),
    NGINX: Kind(start_nginx, ask_ipx),
}
MAKERS = [OURS, IPX, NEXT]   # those that make images themselves


def start(bench, name, cores=1):
    """A service that has answered, made an image of each format, and seen each photograph: what is loaded, compiled or allocated at the
    first time is there."""
    service = SERVICES[name].start(bench, name, bench.cores(cores))
    for wish in [*(Wish(bench.names[0], 320, format, "begin") for format in ("webp", "avif")), *(Wish(name, 640, "jpeg", "begin") for name in bench.names)]:
        path, fields = service.request(wish)
        service.wait_for(service.http + path, fields=fields)
    return service
