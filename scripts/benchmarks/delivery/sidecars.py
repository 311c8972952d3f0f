"""What a build step makes for servers that only send files: .br at 11 and .gz at 9 beside each file, kept from run to run with what they cost."""
import json
import resource
import subprocess

LEAST = 0.95   # of the file: what saves less is not worth its place, and a build step leaves it out
ENDINGS = {".br": ["brotli", "--best", "--no-copy-stat", "--stdout"], ".gz": ["gzip", "-9", "-n", "--stdout"]}


class Sidecars:
    def __init__(self, cache):
        self.folder = cache / "sidecars"
        self.costs, self.used = {}, {}    # hash → {ending: CPU seconds}; of the assets of this run, with their sizes

    def __call__(self, asset):
        """[(ending, file)]; made when it is not there."""
        made = []
        for ending, command in ENDINGS.items():
            file = self.folder / asset.sha256[:2] / (asset.sha256 + ending)
            cost = file.with_name(file.name + ".cost")
            if not cost.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                before = spent()
                file.write_bytes(subprocess.run([*command, asset.file], capture_output=True, check=True).stdout)
                cost.write_text(json.dumps(spent() - before))
            self.used.setdefault(asset.sha256, {"size": asset.size})[ending] = json.loads(cost.read_text())
            if file.stat().st_size <= LEAST * asset.size:
                made.append((ending, file))
        return made

    def least(self, asset):
        """Bytes of the smallest of them, or of the file."""
        return min([asset.size, *(file.stat().st_size for _, file in self(asset))])

    def cost(self):
        """CPU ms per MB of files: ending → value."""
        total = sum(used["size"] for used in self.used.values()) / 1e6
        return {ending: sum(used[ending] for used in self.used.values()) * 1e3 / total for ending in ENDINGS} if total else {}


def spent():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
