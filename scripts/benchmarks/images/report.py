"""Writes the page: images.json → images.md, images.svg, quality.svg."""
from .. import analysis
from ..page import KEPT, table
from . import burden, cold, goals, hits, pictures, scoring

OWN = " and one of the tests of sharp"
WORDS = {True: "met", False: "**not met**", None: "–"}


def write(numbers, folder):
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "images.md"
    kept = KEPT.search(page.read_text()) if page.exists() else None
    (folder / "images.svg").write_text(pictures.cpu(numbers))
    (folder / "images-quality.svg").write_text(pictures.qualities(numbers))
    page.write_text("\n\n".join([*introduction(numbers), f"<!-- remarks -->\n{kept[1] if kept else ''}<!-- /remarks -->", goal_table(numbers),
                                 *cold_tables(numbers), *qualities(numbers), *srcset(numbers), *crowds(numbers), *hit_table(numbers), *memory(numbers),
                                 *statics(numbers), *errors(numbers)]) + "\n")
    return page


def introduction(numbers):
    machine = numbers["machine"]
    yield "# Images: Selvage beside IPX, Next.js, libvips and sharp"
    yield (f"`{numbers['command'].strip()}` on {machine['date']}: {numbers['rounds']} interleaved round{'s' * (numbers['rounds'] > 1)}. {machine['cpu']}, "
           f"{machine['cores']} cores{' of a virtual machine' if machine['virtual'] else ''}; {machine['system']}, Linux {machine['kernel']}. "
           + ", ".join(f"{name} {version}" for name, version in numbers["versions"].items()) + f"; h2load {machine['h2load']}.")
    yield (f"{len(numbers['photographs'])} photographs of 2.5 to 12 megapixels, half of them progressive JPEGs, from Debian's `lomiri-wallpapers-16.04` and "
           f"`mate-backgrounds`{OWN if 'sharpfixture' in numbers['photographs'] else ''}: "
           f"{', '.join(numbers['photographs'])}. Every server has one core with all its processes, the client the other; where both are "
           "theirs, it is said. Each contender works at its own default quality: IPX and sharp 80, 80 and 50 (JPEG, WebP, AVIF), Next 75, vipsthumbnail as "
           "IPX; so look at bytes together with quality. CPU is user and system time of all processes of the server, what goes on for 50 ms behind the last "
           "answer included. sharp and vipsthumbnail are engines without a server around them, one thread each. "
           "Where nothing may have been made before, Selvage is asked under a rule with `bypass`, Next with a query that it has not seen; IPX has no cache. "
           f"A contender that needs more than {cold.LONG:g} s of CPU for a cell is measured in the first round only.")
    for note in numbers["notes"]:
        yield f"**Note:** {note}."


def goal_table(numbers):
    rows = [[verdict.goal, verdict.limit, verdict.measured, WORDS[verdict.met]] for verdict in goals.verdicts(numbers)]
    return ("## Goals\n\nMedian of the rounds (lowest–highest round). Bytes at equal quality: Selvage's at the score of the peer's image, as a part of the "
            "peer's, once upgraded in the background; the worse of the widths.\n\n" + table(["", "goal", "measured", ""], rows))


def cold_tables(numbers):
    cells = [cell for cell in numbers["cells"] if cell["group"] in cold.FORMATS]
    if not cells:
        return
    names = [name for name in pictures.COLOURS if any(name in cell["samples"] for cell in cells)]
    yield "## Cold and alone: CPU per image\n\n![CPU per image of each contender as a multiple of Selvage's](images.svg)"
    yield "ms, user and system: median over the rounds. Ratio: Selvage to the best other, median (lowest–highest round)."
    yield table(["", *names, "to the best other"], [[cell["name"], *(figure(cell["samples"], name, "cpu", "{:.0f}") for name in names), best(cell["samples"])]
                                                    for cell in cells])
    yield ("## Cold and alone: latency\n\nms: the middle one of the photographs and the slowest one (with ten photographs what stands for p99), median over the "
           "rounds. vipsthumbnail: one process for all, so only its mean.")
    yield table(["", *names], [[cell["name"], *(pair(cell["samples"], name) for name in names)] for cell in cells])


def figure(samples, name, field, form):
    if analysis.errors(samples, name):
        return "error"
    value = analysis.median(samples, name, field)
    return "" if value is None else form.format(value)


def pair(samples, name):
    p50, p99 = (figure(samples, name, field, "{:.0f}") for field in ("p50", "p99"))
    return p50 if p50 in ("", "error") or p50 == p99 else f"{p50} / {p99}"


def best(samples):
    other = analysis.best_peer(samples)
    found = analysis.ratio(samples, other)
    return "{:.2f} ({:.2f}–{:.2f}) ".format(*found) + other if found else ""


def qualities(numbers):
    cells = [cell for cell in numbers["cells"] if cell.get("scores")]
    if not cells:
        return
    names = [name for name in (scoring.FIRST, scoring.FINAL, scoring.NEWER_FIRST, scoring.NEWER_FINAL, *list(pictures.COLOURS)[2:]) if any(name in cell["scores"] for cell in cells)]
    yield ("## Bytes and quality\n\n![Quality over bytes of each contender at 640 pixels](images-quality.svg)\n\nMean kB and mean SSIMULACRA2 score of the "
           "photographs, against what libvips makes of a photograph that was decoded as a whole. *Upgraded*: what takes the place of the first image once it "
           "is asked for again.")
    yield table(["", *names], [[cell["name"], *(f"{cell['sizes'][name] / 1e3:.1f} @ {cell['scores'][name]:.1f}" if name in cell["scores"] else "" for name in names)]
                               for cell in cells])
    rows = numbers["equal"]["rows"]
    peers = [name for name in pictures.COLOURS if any(row["peer"] == name for row in rows)]
    if not peers:
        return
    yield ("Selvage's bytes at the score of the other's image, as a part of the other's bytes: geometric mean over the photographs (least–most; *of*: where the "
           "score of fewer photographs is within reach of our qualities); as sent first / upgraded.")
    kinds = sorted({(row["format"], row["width"]) for row in rows}, key=lambda kind: (cold.FORMATS.index(kind[0]), kind[1]))
    shown = [[f"{format} {width}", *(equal(rows, format, width, peer) for peer in peers)] for format, width in kinds]
    newer = [row for row in rows if row["of"] == scoring.NEWER_FINAL]
    shown += [[f"{format} {width}, newer codecs", *(equal(rows, format, width, peer, scoring.NEWER_FIRST, scoring.NEWER_FINAL) for peer in peers)]
              for format, width in kinds if any((row["format"], row["width"]) == (format, width) for row in newer)]
    yield table(["", *peers], shown)


def equal(rows, format, width, peer, first=scoring.FIRST, final=scoring.FINAL):
    found = {row["of"]: row for row in rows if (row["format"], row["width"], row["peer"]) == (format, width, peer)}
    if final not in found:
        return ""
    final, first = found[final], found.get(first)
    fewer = "" if final["images"] == max(row["images"] for row in rows) else f", of {final['images']}"
    return (f"{first['ratio']:.2f} / " if first else "") + f"{final['ratio']:.2f} ({final['least']:.2f}–{final['most']:.2f}{fewer})"


def srcset(numbers):
    samples = analysis.cell(numbers, "srcset of 8")
    if samples:
        yield (f"## A whole srcset\n\nFour widths in AVIF and WebP of one photograph, eight requests at once, of {len(numbers['photographs'])} photographs. Here Selvage "
               "keeps what it makes; its figures include what it does in the background until it is quiet, so also what is made once for later variants.")
        yield table(["", *samples], [["ms of CPU", *(figure(samples, name, "cpu", "{:,.0f}") for name in samples)],
                                     ["ms until the last answer, median", *(figure(samples, name, "p50", "{:,.0f}") for name in samples)],
                                     ["– slowest", *(figure(samples, name, "p99", "{:,.0f}") for name in samples)]])
        yield f"Selvage to the best peer: {best(samples)}."


def crowds(numbers):
    cells = [cell for cell in numbers["cells"] if cell["group"] == "crowds"]
    if cells:
        names = list(cells[0]["samples"])
        yield (f"## Images per second\n\n640 pixels, nothing made before, so many clients at a time, for {numbers['seconds']:g} s. The servers have both cores here, "
               "of which the clients need a hundredth. p50 / p99 in ms in brackets.")
        yield table(["", *names], [[cell["name"], *(rate(cell["samples"], name) for name in names)] for cell in cells])


def rate(samples, name):
    shown = figure(samples, name, "rate", "{:.1f}")
    refused = sum(sample.get("refused", 0) for sample in samples.get(name, []))
    return shown if shown in ("", "error") else f"{shown} ({pair(samples, name)}{f'; {refused} refused' if refused else ''})"


def hit_table(numbers):
    cells = [cell for cell in numbers["cells"] if cell["group"] == "hits"]
    if cells:
        names = list(dict.fromkeys(name for cell in cells for name in cell["samples"]))
        yield ("## Hits\n\nThe first photograph as WebP of 640 pixels, made before. µs of CPU per request (requests per second in brackets). *Static file*: the same "
               "bytes as a file, from Selvage. IPX has no cache: nginx's `proxy_cache` stands before it. Selvage runs with access log and metrics on.")
        yield table(["", *names, "image to file"], [[cell["name"], *(hit(cell["samples"], name) for name in names), against_file(cell["samples"])] for cell in cells])


def hit(samples, name):
    cpu = figure(samples, name, "cpu", "{:.1f}")
    return cpu if cpu in ("", "error") else f"{cpu} ({figure(samples, name, 'rate', '{:,.0f}')})"


def against_file(samples):
    found = analysis.ratio(samples, hits.FILE)
    return "{:.2f} ({:.2f}–{:.2f})".format(*found) if found else ""


def memory(numbers):
    found = numbers.get("memory")
    if found:
        yield (f"## Memory\n\nFresh servers on both cores, mixed jobs of all photographs (40 % JPEG, 40 % WebP up to 1920 pixels, 20 % AVIF up to 1080), "
               f"{burden.MIXED_CLIENTS} clients. MB of proportional set size of all processes, looked at every 20 ms; *added up*: the most that each process ever "
               "had resident, what they share counted more than once.")
        fields = {"jobs": "jobs", "refused": "– of them refused", "idle": "before", "peak": "peak", "resident": "peaks added up", "after": "after, when quiet", "cpu": "ms of CPU per job",
                  "seconds": "s in all"}
        yield table(["", *found], [[words, *("error" if "error" in of else f"{of[field]:,.0f}" for of in found.values())] for field, words in fields.items()])


def statics(numbers):
    rounds = numbers.get("statics")
    if rounds:
        yield ("## What static files notice\n\nA file of 10 KB over HTTP/2 and TLS, 400 requests a second on four connections, while eight clients ask for AVIFs "
               "of 320, 640 and 1080 pixels that nobody has made. All of the server is on one core. Latencies in ms, p50 / p99.")
        show = lambda found: f"{found['p50'] / 1e3:.2f} / {found['p99'] / 1e3:.2f}"
        yield table(["round", "idle", "beside AVIFs", "AVIFs meanwhile", "refused (503)"], [[str(number + 1), show(found["idle"]), show(found["busy"]), str(found["images"]), str(found["refused"])]
                                                                           for number, found in enumerate(rounds)])


def errors(numbers):
    failed = [f"- {cell['name']}, {name}: `{' '.join(message.split())[-200:]}`" for cell in numbers["cells"] for name in cell["samples"]
              for message in analysis.errors(cell["samples"], name)[:1]]
    failed += [f"- memory, {name}: `{of['error'][-200:]}`" for name, of in numbers.get("memory", {}).items() if "error" in of]
    if failed:
        yield "## Errors\n\nA contender that failed in any round has no figure there.\n\n" + "\n".join(failed)
