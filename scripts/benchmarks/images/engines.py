"""Engines without a server around them: the same images as files, for what a server may cost on top."""
import json
import os
import subprocess
import tempfile
import time

from .. import process
from . import peers, services

VIPS, SHARP = "vipsthumbnail", "sharp"
# IPX's qualities, which are sharp's defaults.
QUALITY = {"jpeg": "Q=80", "webp": "Q=80", "avif": "Q=50"}


class VipsThumbnail:
    """The program of libvips, once for all photographs of a cell: starting it is in its figures, by a tenth for each image."""
    name = VIPS

    def __init__(self, bench):
        self.bench = bench

    def make(self, wishes):
        """(CPU seconds in all, seconds of each, bodies)"""
        width, format = wishes[0].width, wishes[0].format
        with tempfile.TemporaryDirectory(dir=self.bench.scratch) as folder:
            files = [self.bench.photographs / f"{wish.photograph}.jpg" for wish in wishes]
            command = ["vipsthumbnail", "--size", f"{width}x", "-o", f"{folder}/%s.{format}[strip,{QUALITY[format]}]", *map(str, files)]
            begun = time.monotonic()
            child = subprocess.Popen(process.on_cores(self.bench.cores(1), command), env={**os.environ, "VIPS_CONCURRENCY": "1"})
            _, ended, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(ended)
            seconds = (time.monotonic() - begun) / len(wishes)
            if child.returncode != 0:
                raise SystemExit(f"bench: vipsthumbnail ended with {child.returncode}")
            bodies = [open(f"{folder}/{wish.photograph}.{format}", "rb").read() for wish in wishes]
        return usage.ru_utime + usage.ru_stime, [seconds] * len(wishes), bodies

    def stop(self):
        pass


class Sharp:
    """peers/sharp.mjs: one process for all rounds."""
    name = SHARP

    def __init__(self, bench):
        self.bench, self.out = bench, bench.scratch / "sharp.out"
        command = process.on_cores(bench.cores(1), [peers.node(bench.peers), bench.peers / "sharp.mjs"])
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=bench.log, text=True)
        self.make([services.Wish(name, 640, "jpeg") for name in bench.names])   # as services.start

    def make(self, wishes):
        cpu, seconds, bodies = 0.0, [], []
        for wish in wishes:
            line = {"file": f"{self.bench.photographs}/{wish.photograph}.jpg", "width": wish.width, "format": wish.format, "out": str(self.out)}
            told = process.talk(self.child, json.dumps(line))
            if told is None:
                raise SystemExit(f"bench: sharp ended; see {self.bench.log.name}")
            cpu += told["cpu"]
            seconds.append(told["wall"])
            bodies.append(self.out.read_bytes())
        return cpu, seconds, bodies

    def stop(self):
        self.child.stdin.close()
        self.child.wait(timeout=10)


ENGINES = {VIPS: VipsThumbnail, SHARP: Sharp}
