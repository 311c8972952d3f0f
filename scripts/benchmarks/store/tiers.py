"""CPU, bytes and seconds of our store beside a file per object: builds tiers/ and runs its stages, the contenders taking turns."""
import json
import math
import os
import pathlib
import shutil
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
OURS, DISK, FILES = CONTENDERS = ["selvage", "disk", "files"]   # tiers/stages.h says what each is


def compile_tiers(folder, libraries):
    """The program, linked with the libraries of a build; made again when anything it is made of is newer."""
    program = folder / "tiers"
    linked = [libraries / "cache_store" / "libselvage_cache_store.a", libraries / "base" / "libselvage_base.a"]
    sources = sorted((HERE / "tiers").glob("*.cc"))
    used = [*sources, *(HERE / "tiers").glob("*.h"), *linked]
    if not program.exists() or program.stat().st_mtime < max(file.stat().st_mtime for file in used):
        print("bench: compiling tiers", flush=True)
        subprocess.run(["g++", "-std=gnu++23", "-O2", f"-I{ROOT}", *sources, *linked, "-o", program, "-lfmt", "-lxxhash", "-lcrypto", "-pthread"],
                       check=True)
    return program


# ext4 does not use an inode again for a minute and a half after its file has gone, and looks at all of those for each new file:
# three times the CPU per put, for which the files that the benchmark has removed are to blame, and not the layout.
INODES_REST = 100  # seconds


class Bench:
    """The program, a folder on the disk that is measured, and what is known of how busy the machine was."""

    def __init__(self, program, scratch, patient):
        self.program, self.scratch, self.patient, self.loads, self.removed = program, scratch, patient, [], -math.inf

    def wait_for_inodes(self):
        rest = self.removed + INODES_REST - time.monotonic()
        if self.patient and rest > 0:
            time.sleep(rest)

    def run(self, stage, contender, limit, count=0, keep=False):
        """One stage; what it leaves on the disk goes with it, unless the next one needs it."""
        if contender == FILES and stage in ("churn", "fill"):
            self.wait_for_inodes()
        self.loads.append(os.getloadavg()[0])
        folder = self.scratch / contender
        subprocess.run(["sync", "-f", self.scratch], check=True)   # nobody writes what another has left
        try:
            ran = subprocess.run([self.program, stage, contender, folder, str(limit), str(count)], check=True, stdout=subprocess.PIPE)
        except subprocess.CalledProcessError:
            keep = False
            raise
        finally:
            if not keep:
                self.forget(contender)
        return json.loads(ran.stdout)

    def forget(self, contender):
        shutil.rmtree(self.scratch / contender, ignore_errors=True)
        if contender == FILES:
            self.removed = time.monotonic()


def churns(bench, limit, rounds):
    """By contender, a result per round."""
    results = {name: [] for name in CONTENDERS}
    for number in range(rounds):
        print(f"bench: puts, hits and eviction, round {number + 1} of {rounds}", flush=True)
        # Not always in the same order: what comes first may find the disk or the memory in another state.
        for name in CONTENDERS if number % 2 == 0 else [DISK, OURS, FILES]:
            results[name].append(bench.run("churn", name, limit))
    return results


def drop_page_cache():
    """So that a restart is one of the machine. False: only root may."""
    subprocess.run(["sync"], check=True)
    try:
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")
    except OSError:
        return False
    return True


def restarts(bench, limit, count, rounds, drop):
    """One folder of each, opened again and again: with its pages and inodes in memory, and without."""
    results = {}
    for name in (DISK, FILES):
        print(f"bench: restart with {count:,} objects, {name}", flush=True)
        filled = bench.run("fill", name, limit, count, keep=True)
        results[name] = {"fill": filled, "warm": [], "cold": []}
        for _ in range(rounds):
            if drop and drop_page_cache():
                results[name]["cold"].append(bench.run("restart", name, limit, count, keep=True))
            results[name]["warm"].append(bench.run("restart", name, limit, count, keep=True))
        if name == DISK:
            results["purge"] = bench.run("purge", name, limit, count, keep=True)
        bench.forget(name)
    return results
