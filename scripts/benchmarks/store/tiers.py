"""CPU, bytes and seconds of our store beside a file per object: builds tiers/ and runs its stages, the contenders taking turns."""
import json
import os
import pathlib
import shutil
import subprocess

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


class Bench:
    """The program, a folder on the disk that is measured, and what is known of how busy the machine was."""

    def __init__(self, program, scratch):
        self.program, self.scratch, self.loads = program, scratch, []

    def run(self, stage, contender, limit, count=0, keep=False):
        """One stage; what it leaves on the disk goes with it, unless the next one needs it."""
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


def churns(bench, limit, rounds):
    """By contender, a result per round."""
    results = {name: [] for name in CONTENDERS}
    for number in range(rounds):
        print(f"bench: puts, hits and eviction, round {number + 1} of {rounds}", flush=True)
        # Not always in the same order: what comes first may find the disk or the memory in another state.
        for name in CONTENDERS if number % 2 == 0 else [DISK, OURS, FILES]:
            results[name].append(bench.run("churn", name, limit))
    return results


def has_journal(folder):
    """Of an ext4 file system. None: it is another."""
    device = os.stat(folder).st_dev
    name = pathlib.Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve().name
    if not pathlib.Path(f"/proc/fs/ext4/{name}").exists():
        return None
    return any(entry.name.rpartition("-")[0] == name for entry in pathlib.Path("/proc/fs/jbd2").iterdir()) if pathlib.Path("/proc/fs/jbd2").exists() else False


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
