"""What the stages share: the server on its core, its files, the attacker, and what the server says about itself."""
import contextlib
import dataclasses
import os
import pathlib
import subprocess
import sys
import typing

from benchmarks import content, process, servers

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "e2e"))
from attacks import Attack  # noqa: E402


def compile_attacker(root, folder):
    """tests/e2e/attacker as a program; made again when a source is newer."""
    sources = sorted((root / "tests" / "e2e" / "attacker").glob("*.*"))
    program = folder / "attacker"
    if not program.exists() or program.stat().st_mtime < max(source.stat().st_mtime for source in sources):
        print("torture: compiling the attacker", flush=True)
        units = [source for source in sources if source.suffix == ".cc"]
        subprocess.run(["g++", "-std=gnu++23", "-O2", "-I", root, *units, "-o", program, "-lssl", "-lcrypto"], check=True)
    return program


@dataclasses.dataclass
class Ground:
    selvage: pathlib.Path
    attacker: pathlib.Path
    scratch: pathlib.Path
    cores: list  # of the server
    log: typing.TextIO
    options: typing.Any

    @property
    def files(self):
        return self.scratch / "files"

    def write_files(self, root):
        self.files.mkdir()
        (self.files / "small.css").write_bytes(b"a { color: red }\n" * 90)
        (self.files / "medium.bin").write_bytes(b"M" * 100_000)
        (self.files / "large.bin").write_bytes(b"L" * (32 << 20))
        for number in range(200):
            (self.files / f"{number}.js").write_text(f"const a{number} = {number};\n" * (20 + number))
        write_pictures(self.files, root.parent / "shared" / "data" / "images")
        content.make_certificate(self.scratch)

    @contextlib.contextmanager
    def server(self, settings=""):
        """A running server of one loop; `settings` in TOML."""
        https, http, admin = servers.free_port(), servers.free_port(), servers.free_port()
        file = self.scratch / f"{https}.toml"
        file.write_text(f"""
[server]
listen = ["https://127.0.0.1:{https}", "http://127.0.0.1:{http}"]
admin = "http://127.0.0.1:{admin}"
workers = 1
access_log = "{self.scratch}/access.log"
log_level = "warn"
[tls]
certificate = "{self.scratch}/cert.pem"
key = "{self.scratch}/key.pem"
{settings}
[[site]]
root = "{self.files}"
""")
        (self.scratch / "access.log").unlink(missing_ok=True)
        server = Server("selvage", [self.selvage, "serve", "--config", file, "--cache", self.scratch / f"cache-{https}"], self.cores,
                        f"https://127.0.0.1:{https}", f"http://127.0.0.1:{http}", self.log)
        server.ports = {"https": https, "http": http, "admin": admin}
        try:
            for origin in (server.https, server.http):
                server.wait_for(origin + "/small.css")
            server.go_first()
            yield server
        finally:
            server.stop()

    def attack(self, server, name, **options):
        return Attack(self.attacker, name, server.ports, **options)


class Server(process.Server):
    ports = None

    def go_first(self):
        """Whatever else this machine does on the server's core is not what is measured. Its workers are not meant."""
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(PermissionError):
                os.sched_setscheduler(int(task.name), os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))

    def memory(self):
        """Bytes in the server's own pages, its workers' not counted."""
        lines = process.read(pathlib.Path(f"/proc/{self.process.pid}/status")).splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith("RssAnon:")), 0) * 1024

    def metrics(self):
        lines = process.fetch(f"http://127.0.0.1:{self.ports['admin']}/metrics")[2].decode().splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line and line[0] != "#")}

    def hits(self):
        """{limit: how often it was hit}"""
        prefix = 'selvage_limit_hits_total{limit="'
        return {name[len(prefix):-2]: value for name, value in self.metrics().items() if name.startswith(prefix)}

    def alive(self):
        """It answers a good request of each kind."""
        if self.process.poll() is not None:
            return False
        try:
            return all(process.fetch(origin + "/small.css")[0] == 200 for origin in (self.https, self.http))
        except OSError:
            return False


def write_pictures(folder, shared):
    """Photographs when there are some, else what PIL draws."""
    found = sorted(shared.glob("p0*.jpg"))[:3] + sorted(shared.glob("w02*.webp"))
    for picture in found:
        (folder / picture.name).write_bytes(picture.read_bytes())
    if not found:
        from PIL import Image
        noise = Image.effect_noise((1600, 1200), 60)
        Image.merge("RGB", [noise, noise.rotate(90).resize(noise.size), noise.rotate(180)]).save(folder / "p1.jpg")
        Image.radial_gradient("L").resize((900, 700)).convert("RGB").save(folder / "p2.png")
