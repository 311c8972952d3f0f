"""Quality by our metric (SSIMULACRA2, score.cc), and bytes at equal quality."""
import concurrent.futures
import math
import pathlib
import re
import statistics
import subprocess

from .. import process
from . import asking, services, stages

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
# Selvage's own qualities: from below the worst score that a peer's default gives a photograph to above the best.
SWEEP = [20, 38, 52, 64, 74, 83, 91, 98]
SWEPT_WIDTHS = [640, 1080]
FIRST, FINAL = "selvage", "selvage, upgraded"   # what is sent at once, and what takes its place when it is asked for again
NEWER_FIRST, NEWER_FINAL = services.NEWER, f"{services.NEWER}, upgraded"


def compile_score(folder, libraries):
    """The program, linked with the engine of a build; made again when anything it is made of is newer."""
    program, source = folder / "score", HERE / "score.cc"
    linked = [libraries / path for path in ("transforms/libselvage_engine.a", "transforms/libselvage_transforms.a", "base/libselvage_base.a")]
    if not program.exists() or program.stat().st_mtime < max(file.stat().st_mtime for file in (source, *linked)):
        print("bench: compiling score", flush=True)
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "vips", "libhwy", "fmt"], check=True, capture_output=True, text=True).stdout.split()
        subprocess.run(["g++", "-std=gnu++23", "-O2", f"-I{ROOT}", source, *linked, "-o", program, *flags], check=True)
    return program


class Judge:
    """Scores bodies against what libvips makes of a photograph that was decoded as a whole, at the size that a contender gave it."""

    def __init__(self, bench, program):
        self.bench, self.program, self.folder = bench, program, bench.scratch / "judged"
        self.folder.mkdir()

    def scores(self, bodies):
        """`bodies`: key, a tuple that begins with the name of the photograph → bytes. Key → score; without those that cannot be read."""
        files = {}
        for number, (key, body) in enumerate(bodies.items()):
            files[key] = self.folder / f"{number}.img"
            files[key].write_bytes(body)
        groups = {}
        for key, size in self.sizes(files).items():
            groups.setdefault((key[0], *size), []).append(key)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            found = list(pool.map(lambda group: self.group(group, [files[key] for key in groups[group]]), groups))
        for file in files.values():
            file.unlink()
        return {key: score for group, scores in zip(groups, found) for key, score in zip(groups[group], scores) if score is not None}

    def sizes(self, files):
        """Key → (width, height)"""
        told = self.run(["vipsheader", *files.values()])
        by_name = {match[1]: (int(match[2]), int(match[3])) for match in re.finditer(r"^(\S+): (\d+)x(\d+) ", told, re.MULTILINE)}
        return {key: by_name[str(file)] for key, file in files.items() if str(file) in by_name}

    def group(self, group, files):
        name, width, height = group
        reference = self.folder / f"{name}-{width}x{height}.v"
        if not reference.exists():
            self.run(["vips", "thumbnail_image", self.bench.photographs / f"{name}.jpg", reference, width, "--height", height, "--size", "force"])
        lines = self.run([self.program, reference, *files]).split()
        return [None if line == "-" else float(line) for line in lines] + [None] * (len(files) - len(lines))

    def run(self, command):
        """Nothing is measured meanwhile: on all cores."""
        return subprocess.run(process.on_cores(self.bench.cores(64), command), capture_output=True, text=True).stdout


def judge_cells(judge, cells, made):
    """Adds to each cell the mean score of each contender: cell["scores"]. Contender → key → score."""
    found = {}
    for contender, bodies in made.items():
        stages.tell(f"quality of {len(bodies)} images of {contender}")
        found[contender] = judge.scores(bodies)
        for cell in cells:
            format, width = cell["name"].split()
            of_cell = [score for key, score in found[contender].items() if key[1:] == (int(width), format)]
            if of_cell:
                cell.setdefault("scores", {})[contender] = statistics.mean(of_cell)
                cell.setdefault("sizes", {})[contender] = statistics.mean(len(body) for key, body in bodies.items() if key[1:] == (int(width), format))
    return found


def upgraded(bench, cells, name=services.OURS):
    """Selvage's images of these cells at its own qualities, once nothing better is under way: key → body."""
    wishes = [services.Wish(photograph, int(cell["name"].split()[1]), cell["name"].split()[0]) for cell in cells for photograph in bench.names]

    def one(service, wish):
        return (wish.photograph, wish.width, wish.format), stages.finished(service, wish)

    def run(started):
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            return {key: body for key, body in pool.map(lambda wish: one(started[0], wish), wishes) if body}

    stages.tell(f"images of {name}, upgraded")
    return stages.with_services(bench, [name], run, cores=2)


def curves(bench, judge, formats, widths, name=services.OURS, kinds=(FIRST, FINAL)):
    """Key → [(score, bytes)] of our own qualities, by what is sent first and what is sent in the end: `kinds`."""
    def ask(service, wish, quality):
        path = service.request(wish)[0] + f"&q={quality}"
        key = (wish.photograph, wish.width, wish.format, quality)
        return key, asking.ask_once(service, wish, path).body, stages.finished(service, wish, path)

    def run(started):
        wishes = [(services.Wish(photograph, width, format), quality) for format in formats for width in widths for photograph in bench.names for quality in SWEEP]
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            return list(pool.map(lambda task: ask(started[0], *task), wishes))

    stages.tell(f"images of {name} at its qualities")
    answers = stages.with_services(bench, [name], run, cores=2)
    stages.tell(f"quality of {2 * len(answers)} of them")
    return {kinds[0]: curve(judge, {key: first for key, first, _ in answers}), kinds[1]: curve(judge, {key: final for key, _, final in answers if final})}


def curve(judge, bodies):
    found = {}
    for key, score in judge.scores(bodies).items():
        found.setdefault(key[:3], []).append((score, len(bodies[key])))
    return {key: sorted(points) for key, points in found.items()}


def bytes_at(points, score):
    """Between the two points around it, where the logarithm of the bytes is taken as a line; None outside of them."""
    for (low, fewer), (high, more) in zip(points, points[1:]):
        if low <= score <= high and high > low:
            return math.exp(math.log(fewer) + (score - low) / (high - low) * (math.log(more) - math.log(fewer)))
    return None


def equal_quality(ours, scores, made):
    """Ours: FIRST and FINAL → curves. [{format, width, peer, of, ratio, least, most, images}]: our bytes at the score that a peer's
    image has, as a part of its bytes; the geometric mean over the photographs."""
    rows = []
    for of, curves_of in ours.items():
        for peer, found in scores.items():
            if peer.startswith(services.OURS):
                continue
            ratios = {}
            for key, score in found.items():
                size = bytes_at(curves_of.get(key, []), score)
                if size:
                    ratios.setdefault(key[1:], []).append(size / len(made[peer][key]))
            rows += [{"format": format, "width": width, "peer": peer, "of": of, "ratio": statistics.geometric_mean(values), "least": min(values),
                      "most": max(values), "images": len(values)} for (width, format), values in sorted(ratios.items())]
    return rows
