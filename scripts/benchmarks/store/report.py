"""Writes the page: store.json → store.md."""
import statistics

from ..page import KEPT, table
from .goals import WORDS, verdicts
from .tiers import CONTENDERS, DISK, FILES, OURS

MB = 1e6
NAMES = {OURS: "selvage", DISK: "selvage, disk alone", FILES: "file per object"}


def write(numbers, folder):
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "store.md"
    kept = KEPT.search(page.read_text()) if page.exists() else None
    page.write_text("\n\n".join([*introduction(numbers), f"<!-- remarks -->\n{kept[1] if kept else ''}<!-- /remarks -->", goal_table(numbers),
                                 *churns(numbers["churn"]), *floods(numbers["flood"]), *restarts(numbers["restart"]), *purges(numbers["restart"]["purge"]),
                                 *replays(numbers)]) + "\n")
    return page


def introduction(numbers):
    machine, loads = numbers["machine"], numbers["loads"]
    yield "# The cache store: beside a file per object, and beside LRU and S3-FIFO"
    yield (f"`{numbers['command'].strip()}` on {machine['date']}: {numbers['rounds']} interleaved round{'s' * (numbers['rounds'] > 1)}. {machine['cpu']}, "
           f"{machine['cores']} cores{' of a virtual machine' if machine['virtual'] else ''}; {machine['system']}, Linux {machine['kernel']}, "
           f"{numbers['file_system']}. Load average while it ran: {min(loads):.1f}–{max(loads):.1f}; alone it makes about one.")
    yield (f"Objects are log-normal of a seed, median 17 KB, mean 31 KB; the limit on the disk is {numbers['limit'] / MB:,.0f} MB. CPU is user and system time of "
           "the one thread that does everything, on one core: what puts leave to be done behind them is done there, too, and counted. Making and freeing "
           "objects is not counted, but for what the memory tier frees. What the kernel writes back by itself is not in these figures; our store syncs a segment "
           "that is full and pays for that write-back itself, which a file per object never does.")
    yield ("*File per object* is the layout of nginx's proxy_cache (`levels=1:2`, `use_temp_path=off`), with the system calls that nginx 1.22.1 makes and "
           "less work around them: `scripts/benchmarks/store/tiers/file_per_object.h` says in what. nginx does not verify bodies, as our store does on each of "
           "these hits. *Selvage* has both tiers with 64 MB of memory, *disk alone* none. Hits are of bodies up to 256 KiB, which our loops read "
           "themselves, in the page cache. The *first read* brings them there: our log is written past it, so this one waits for the disk, on the work pool "
           "of any server; a file has stayed in it since its put, as far as there was room.")


def goal_table(numbers):
    words = {True: "met", False: "**not met**", None: "–"}
    return "## Goals\n\nMedian of the rounds (lowest–highest).\n\n" + table(["", "goal", "measured", ""], [
        [verdict.goal, verdict.limit, verdict.measured, words[verdict.met]] for verdict in verdicts(numbers)])


def per_operation(run, phase, field):
    """µs; None when there were none."""
    found = run.get(phase)
    return found[field] / found["operations"] * 1e6 if found and found["operations"] else None


def spread(values, form="{:.1f}"):
    if not values or None in values:
        return ""
    return "{} ({}–{})".format(*(form.format(value) for value in (statistics.median(values), min(values), max(values))))


PUTS = ("empty", "steady")
PHASES = [   # row, phase, field
    ("put, empty", "empty", "cpu"),
    ("– of it behind the put", "empty", "settling_cpu"),
    ("put, with eviction", "steady", "cpu"),
    ("– of it behind the put", "steady", "settling_cpu"),
    ("first read of what was put", "first", "cpu"),
    ("hit on the disk", "hits", "cpu"),
    ("hit on the disk, bodies verified there, too", "verified", "cpu"),
    ("hit on the disk, promoted", "promoting", "cpu"),
    ("hit in memory", "found", "cpu"),
    ("eviction of half, per object", "eviction", "cpu"),
]


def phase_of(name, phase):
    """Ours verifies always."""
    return "hits" if phase == "verified" and name != FILES else phase


def least_or_spread(name, phase, values):
    """Of puts of a file per object, the least: see the text above the table."""
    return f"{min(values):.1f} (–{max(values):.1f})" if name == FILES and phase in PUTS else spread(values)


def churns(churn):
    yield ("## Puts, hits, eviction\n\nµs of CPU per operation. **Puts of a file per object are the least of the rounds**, and the ratio is to that: an ext4 "
           "without a journal looks, for each new file, at all inodes whose files went within the last one to six minutes (`recently_deleted`, fs/ext4/ialloc.c), "
           "and the rounds before have removed many. The most is in brackets.")
    rows = []
    for words, phase, field in PHASES:
        values = {name: [per_operation(run, phase_of(name, phase), field) for run in churn[name]] for name in CONTENDERS}
        shown = {name: "" if field == "settling_cpu" and name == FILES else spread(values[name], "{:.2f}" if phase == "found" else "{:.1f}")
                 for name in CONTENDERS}
        theirs = values[FILES]
        if phase in PUTS and field == "cpu":   # see the text above the table
            shown[FILES] = least_or_spread(FILES, phase, theirs)
            theirs = [min(theirs)] * len(theirs)
        ratios = [mine / its for mine, its in zip(values[OURS], theirs, strict=True) if mine and its] if field == "cpu" else []
        rows.append([words, *shown.values(), spread(ratios, "{:.2f}")])
    yield table(["", *NAMES.values(), "selvage to file per object"], rows)
    yield "µs by the wall per operation, with waiting for the disk; puts of a file per object as above:"
    yield table(["", *NAMES.values()], [[words, *(least_or_spread(name, phase, [per_operation(run, phase_of(name, phase), "wall") for run in churn[name]]) for name in CONTENDERS)]
                                        for words, phase, field in PHASES if field == "cpu"])
    for name in CONTENDERS:
        failed = sum(run[phase]["failed"] for run in churn[name] for phase in ("first", "hits", "verified", "promoting", "found") if phase in run)
        if failed:
            yield f"**{NAMES[name]}: {failed} reads found nothing, or would have waited for the disk.** They are not counted as operations; their time is."
    run = churn[OURS][-1]
    yield (f"Written by ours, in the last round: {run['written_bytes'] / MB:,.0f} MB of records, {run['copied_bytes'] / MB:,.0f} MB of them copied forward; "
           f"{run['device_bytes'] / MB:,.0f} MB in all by its own account, {run['counted_bytes'] / MB:,.0f} MB as counted at the system calls, with {run['synced']} "
           f"fdatasyncs. Refused: {run['refused']} puts. On the disk at the end of the puts: {run['on_disk'] / MB:,.0f} MB; of the files, "
           f"{churn[FILES][-1]['on_disk'] / MB:,.0f} MB.")


def floods(flood):
    yield "## A flood\n\nThe most that all files took on the disk (`st_blocks`) while another thread looked without a pause."
    rows = [[words, f"{of['limit'] / MB:,.1f}", f"{of['most'] / MB:,.1f}", f"{of['most'] / of['limit']:.3f}"]
            for words, of in (("selvage", flood[OURS]), ("nginx 1.22 itself, `max_size`", flood.get("nginx"))) if of]
    yield table(["", "limit, MB", "most, MB", "ratio"], rows)
    if "nginx" in flood:
        yield ("nginx is asked by one client for four times its limit; its cache manager looks at the sum when it wakes up, at the latest after ten seconds, "
               "and unlinks then: how far it passes its limit is a matter of what comes in that time.")


def restarts(restart):
    count = restart[DISK]["fill"]["count"]
    yield (f"## Restart\n\n{count:,} objects of 1 KB; from opening until all are known. *Cold*: after `drop_caches`. nginx pauses for 50 ms after each 100 files "
           f"(`loader_files`, `loader_sleep`), by default {count / 100 * 0.05:,.0f} s in all, which is not in these figures; meanwhile it finds files by their "
           "names, where our store has a miss until it knows the object.")
    rows = []
    for name in (DISK, FILES):
        runs = restart[name]
        first = runs["warm"][0]
        rows.append([NAMES[name].replace(", disk alone", ""), *(spread([run["wall"] for run in runs[state]], "{:.2f}") for state in ("cold", "warm")),
                     spread([run["cpu"] for run in runs["warm"]], "{:.2f}"), f"{first['resident'] / first['objects']:.0f}",
                     f"{runs['fill']['puts']['cpu'] / runs['fill']['puts']['operations'] * 1e6:.1f}"])
    yield table(["", "cold, s", "warm, s", "warm, s of CPU", "memory per object, B", "filling, µs of CPU per put"], rows)
    ours = restart[DISK]["warm"][0]
    yield f"Of ours, {ours['index_bytes'] / ours['objects']:.1f} B per object are the index, which has its size from the start."


def purges(purged):
    yield ("## Purge\n\nOf all those objects at once. *Besides*: CPU without the fdatasync that makes it durable.")
    rows = []
    for kind, found in purged.items():
        each = found["purges"]
        figures = {"besides": [(purge["cpu"] - purge["sync_cpu"]) * 1e6 for purge in each], "cpu": [purge["cpu"] * 1e6 for purge in each],
                   "sync": [purge["sync_wall"] * 1e3 for purge in each], "wall": [purge["wall"] * 1e3 for purge in each]}
        rows.append([WORDS[kind], *(spread(figures[field]) for field in ("besides", "cpu")), *(spread(figures[field], "{:.2f}") for field in ("sync", "wall")),
                     f"{found['present_before']} → {found['present_after']}"])
    yield table(["", "besides, µs", "CPU in all, µs", "one fdatasync, ms", "until acknowledged, ms", "of a sample, there before and after"], rows)


POLICIES = [("lru", "LRU"), ("s3_fifo", "S3-FIFO"), ("memory", "our memory"), ("two_tiers", "both our tiers")]


def replays(numbers):
    yield ("## Misses\n\nPer cent of requests / of bytes, after a warm-up of a quarter. Sizes of memory are shares of the footprint; the disk has ten times as "
           "much. *Written*: bytes to the disk, of those that are written when everything is admitted.")
    for words, of in (("generated requests (Zipf 0.9, churn, 12 % asked for once)", numbers["generated"]), ("AdaptSize's trace", numbers.get("trace"))):
        if not of:
            continue
        yield f"{of['requests']:,} {words}, footprint {of['footprint'] / 1e9:.1f} GB:"
        yield table(["memory", *(name for _, name in POLICIES), "written", "pops per eviction"], [
            [f"{size['share'] * 100:g} %", *(f"{size[field]['requests']:.1f} / {size[field]['bytes']:.1f}" for field, _ in POLICIES),
             f"{size['two_tiers']['written'] / size['two_tiers_admit_all']['written']:.2f}", f"{size['memory']['pops_per_eviction']:.2f}"] for size in of["sizes"]])
    generated = numbers["generated"]
    yield (f"The memory tier itself: {generated['hit_ns']:.0f} ns of CPU per hit on one thread, {generated['hit_ns_two_threads']:.0f} ns on each of two at a time, "
           f"together {generated['hit_scaling']:.2f} times the hits per second; {generated['put_ns']:.0f} ns per put into a full one, making and freeing objects aside.")
