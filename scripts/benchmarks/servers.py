"""The servers that are compared: how each is started, reloaded, and asked for its version. To add one: a template in configurations/
and an entry in SERVERS."""
import dataclasses
import getpass
import os
import pathlib
import re
import shutil
import signal
import socket
import string
import subprocess
import typing

from . import content, process

TEMPLATES = pathlib.Path(__file__).resolve().parent / "configurations"
OURS, FLOOR = "selvage", "floor"


@dataclasses.dataclass
class Bench:
    """What all servers of one run share."""
    selvage: pathlib.Path   # the program
    floor: pathlib.Path
    scratch: pathlib.Path   # certificate, configurations, logs; readable by all
    files: pathlib.Path     # what is served
    descriptors: int
    server_cores: typing.Callable  # number of workers → cores
    log: typing.TextIO


def signal_to(number):
    return lambda bench, server, file: server.process.send_signal(number)


def caddy_reload(bench, server, file):
    subprocess.run(["caddy", "reload", "--force", "--config", file, "--adapter", "caddyfile", "--address", f"unix/{bench.scratch}/caddy-admin"],
                   check=True, capture_output=True)


@dataclasses.dataclass
class Kind:
    name: str
    template: str
    command: typing.Callable   # (bench, configuration file) → arguments
    version: list              # command that prints it
    reload: typing.Callable    # (bench, server, configuration file); returns when it has been asked for


SERVERS = {kind.name: kind for kind in [
    Kind(OURS, "selvage.toml", lambda bench, file: [bench.selvage, "serve", "--config", file], [], signal_to(signal.SIGHUP)),
    Kind("nginx", "nginx.conf", lambda bench, file: ["nginx", "-p", bench.scratch, "-c", file], ["nginx", "-v"], signal_to(signal.SIGHUP)),
    Kind("h2o", "h2o.yaml", lambda bench, file: ["h2o", "-m", "master", "-c", file], ["h2o", "--version"], signal_to(signal.SIGHUP)),
    Kind("caddy", "Caddyfile", lambda bench, file: ["env", f"HOME={bench.scratch}", "caddy", "run", "--config", file, "--adapter", "caddyfile"],
         ["caddy", "version"], caddy_reload),
    Kind("apache", "apache.conf", lambda bench, file: ["apache2", "-f", file, "-DFOREGROUND"], ["apache2", "-v"], signal_to(signal.SIGUSR1)),
]}
PEERS = [name for name in SERVERS if name != OURS]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(bench, name, workers=1, files=None):
    """A warm server of this name: it has answered over both protocols."""
    if name == FLOOR:
        return start_floor(bench)
    kind, https, http = SERVERS[name], free_port(), free_port()
    # Apache refuses to run its workers as root; h2o to name a user when it has no choice.
    root = os.getuid() == 0
    values = {"https": https, "http": http, "admin": free_port(), "workers": workers, "scratch": bench.scratch, "files": files or bench.files,
              "user": "www-data" if root else getpass.getuser(), "group": "www-data" if root else getpass.getuser(),
              "drop_root": "user: www-data" if root else "",
              "descriptors": bench.descriptors, "apache_threads": 256 * workers}
    file = bench.scratch / f"{name}-{https}-{kind.template}"
    file.write_text(string.Template((TEMPLATES / kind.template).read_text()).substitute(values))
    server = process.Server(name, kind.command(bench, file), bench.server_cores(workers), f"https://127.0.0.1:{https}",
                            f"http://127.0.0.1:{http}", bench.log)
    server.reload = lambda: kind.reload(bench, server, file)
    for origin in (server.https, server.http):
        server.wait_for(origin + "/1k.bin")
    return server


def start_floor(bench):
    """One port per size; `path_origin` knows which."""
    ports = {size: free_port() for size in content.SIZES}
    command = [bench.floor, bench.scratch / "cert.pem", bench.scratch / "key.pem", *(f"{ports[name]}:{size}" for name, size in content.SIZES.items())]
    server = process.Server(FLOOR, command, bench.server_cores(1), f"https://127.0.0.1:{ports['1 KB']}", None, bench.log)
    server.ports = {content.PATHS[name]: port for name, port in ports.items()}
    return server


def url(server, path, tls=True):
    if server.name == FLOOR:
        return f"https://127.0.0.1:{server.ports[path]}{path}"
    return (server.https if tls else server.http) + path


def need(programs):
    os.environ["PATH"] += ":/usr/sbin:/sbin"  # nginx and apache2, where the user's own has no programs for the administrator
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        raise SystemExit(f"bench: missing: {', '.join(missing)} (run scripts/setup build bench)")


def versions(bench):
    """Name → version, as its program says it."""
    found = {}
    for name, kind in SERVERS.items():
        ran = subprocess.run(kind.version or [bench.selvage, "version"], capture_output=True, text=True)
        number = re.search(r"\d+\.\d+(\.\d+)?\S*", ran.stdout + ran.stderr)
        found[name] = number[0] if number else "?"
    return found
