#!/usr/bin/python3
"""How well fingerprinted names are recognised: in builds of many tools, and in tens of thousands of ordinary files.

    fingerprints.py PROGRAM CACHE [OUTPUT.json]        build/release/selvage build/bench/delivery build/bench/fingerprints.json

PROGRAM is `selvage`; CACHE a folder outside of the tree for the tools and what they build; OUTPUT what `scripts/bench delivery` reads. The
judge is the product itself: `selvage explain FOLDER --names --json`."""
import json
import pathlib
import re
import subprocess
import sys

if __package__ in (None, ""):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
    from benchmarks.delivery import builds
else:
    from . import builds

RECALL, FALSE = 0.99, 0.0005  # the goals

# Where ordinary files lie: names as they are.
SYSTEM = ("/usr/share", "/usr/lib", "/usr/include")

# Of the packages in node_modules those whose files a tool has built with hashes in their names (Rollup's chunks, esbuild's, ready
# applications): they are not ordinary. Found by reading all that was recognised, once per version of package.json.
BUILT = re.compile(r"/(monaco-editor|@bull-board/ui|@verdaccio/ui-theme|@vitest/[^/]+|vitest|@angular/[^/]+|@modelcontextprotocol/[^/]+|"
                   r"rolldown|@rolldown/[^/]+|playwright-core|vite|@rspack/[^/]+|pathe|beasties|verkit|next/dist/bundle-analyzer|node_modules/\.[^/]+)/")


# Builds that packages ship: folders in which the tool has named every file, but for those that are listed.
READY = [("Vite, in playwright-core", "playwright-core", "lib/vite/traceViewer/assets", ()), ("Vite, in playwright-core", "playwright-core", "lib/vite/dashboard/assets", ()),
         ("Vite, in playwright-core", "playwright-core", "lib/vite/recorder/assets", ()), ("Vite, in @vitest/ui", "@vitest/ui", "dist/client/assets", ()),
         ("Rsbuild, in @bull-board/ui", "@bull-board/ui", "dist/static/js", ()),
         ("Rsbuild, in @bull-board/ui", "@bull-board/ui", "dist/static/css", ()), ("webpack, in @verdaccio/ui-theme", "@verdaccio/ui-theme", "static", ("manifest.json",))]


def judged(program, folder):
    """Path below the folder → (fingerprinted, by its name alone, why), of all files that would be served."""
    done = subprocess.run([program, "explain", str(folder), "--names", "--json"], capture_output=True, text=True, check=True)
    rows = map(json.loads, done.stdout.splitlines())
    return {row["path"].lstrip("/"): (row["fingerprinted"], row["kind"] == 2, row["why"]) for row in rows}


def of_tool(program, tools, name):
    """A row of the table. Source maps are not counted: tools do not say of them that they never change under their name."""
    return compared(program, builds.build(tools, name), builds.version(tools, builds.TOOLS[name][1]))


def of_package(program, tools, label, package, below, others):
    folder = tools / "node_modules" / package / below
    return compared(program, builds.Build(label, folder, builds.files_below(folder) - set(others)), builds.version(tools, package))


def compared(program, made, version):
    verdicts = {path: verdict for path, verdict in judged(program, made.folder).items() if not path.endswith(".map")}
    hashed = {path for path in made.hashed if not path.endswith(".map")}
    missed = sorted(path for path in hashed if not verdicts[path][0])
    wrong = sorted(path for path, verdict in verdicts.items() if verdict[0] and path not in hashed)
    return {"tool": made.tool, "version": version, "hashed": len(hashed),
            "found": len(hashed) - len(missed), "by_name_alone": sum(verdicts[path][1] for path in hashed),
            "other_files": len(verdicts) - len(hashed), "wrong": wrong, "missed": missed}


def of_ordinary(program, folder, left_out=None):
    verdicts = {path: verdict for path, verdict in judged(program, folder).items() if left_out is None or not left_out.search(f"/{path}")}
    wrong = sorted(path for path, verdict in verdicts.items() if verdict[0])
    return {"folder": str(folder), "files": len(verdicts), "wrong": wrong}


def measure(program, cache):
    """What the page wants: hashed, recognised, by_name, ordinary, mistaken, table (Markdown); and the rows it is made of."""
    tools = builds.install(pathlib.Path(cache).absolute())
    rows = [of_tool(program, tools, name) for name in builds.TOOLS] + [of_package(program, tools, *ready) for ready in READY]
    ordinary = [of_ordinary(program, folder) for folder in SYSTEM]
    ordinary.append(of_ordinary(program, tools / "node_modules", BUILT) | {"folder": "node_modules of these tools"})
    result = {"tools": rows, "folders": ordinary, "hashed": sum(row["hashed"] for row in rows),
              "recognised": sum(row["found"] for row in rows), "by_name": sum(row["by_name_alone"] for row in rows),
              "ordinary": sum(row["files"] for row in ordinary) + sum(row["other_files"] for row in rows),
              "mistaken": sum(len(row["wrong"]) for row in ordinary + rows)}
    return result | {"table": table(result)}


def table(result):
    """Markdown."""
    lines = ["| | version | hashed | recognised | by name | other files | taken for hashed |", "|---|---|---|---|---|---|---|"]
    row = "| {} | {} | {:,} | {:,} | {:,} | {:,} | {} |".format
    for tool in result["tools"]:
        lines.append(row(tool["tool"], tool["version"], tool["hashed"], tool["found"], tool["by_name_alone"], tool["other_files"], len(tool["wrong"])))
    for folder in result["folders"]:
        lines.append(row(folder["folder"], "", 0, 0, 0, folder["files"], len(folder["wrong"])))
    lines.append(row("**all**", "", result["hashed"], result["recognised"], result["by_name"], result["ordinary"], result["mistaken"]))
    return "\n".join(lines)


def mistakes(result):
    for row in result["tools"]:
        yield from (f"missed: {row['tool']}: {path}" for path in row["missed"])
    for row in result["tools"] + result["folders"]:
        yield from (f"mistaken: {row.get('tool') or row['folder']}: {path}" for path in row["wrong"])


def main():
    result = measure(sys.argv[1], sys.argv[2])
    print(result["table"])
    for line in list(mistakes(result))[:60]:
        print(line)
    recall, wrong = result["recognised"] / result["hashed"], result["mistaken"] / result["ordinary"]
    print(f"recognised {recall:.2%} (goal {RECALL:.0%}), mistaken {wrong:.4%} (goal {FALSE:.2%})")
    if len(sys.argv) > 3:
        pathlib.Path(sys.argv[3]).write_text(json.dumps(result, indent=1) + "\n")
    sys.exit(0 if recall >= RECALL and wrong <= FALSE else 1)


if __name__ == "__main__":
    main()
