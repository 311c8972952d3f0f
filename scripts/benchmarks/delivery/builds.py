"""Real builds: each tool builds the demo application, at pinned versions, once. Which names have a hash in them is the tool's own word (a
manifest, its statistics), never a guess from the names. And packages that ship what such a tool has built."""
import dataclasses
import json
import os
import pathlib
import platform
import shutil
import subprocess

from . import apps

HERE = pathlib.Path(__file__).resolve().parent / "builds"
NODE = pathlib.Path("node_modules") / f"node-linux-{'arm64' if platform.machine() == 'aarch64' else 'x64'}" / "bin" / "node"


@dataclasses.dataclass
class Build:
    tool: str
    folder: pathlib.Path  # what would be served
    hashed: set           # paths within it that have a hash in their name, or lie in a folder named after the build


def install(cache):
    """The folder with the tools, made once below `cache` for each package.json."""
    folder = cache / "builds"
    wanted = (HERE / "package.json").read_text()
    if not (folder / "installed").exists() or (folder / "installed").read_text() != wanted:
        if not shutil.which("npm"):
            raise SystemExit("bench: npm is missing (run scripts/setup npm)")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            if (HERE / name).exists():
                shutil.copy(HERE / name, folder)
        print("bench: installing the build tools from npm", flush=True)
        # Not `ci`: it insists on entries for other systems, which a mirror of the registry may lack.
        subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder, check=True)
        (folder / "installed").write_text(wanted)
    for path in HERE.glob("*.mjs"):
        shutil.copy(path, folder)
    return folder


def version(tools, package):
    return json.loads((tools / "node_modules" / package / "package.json").read_text())["version"]


def files_below(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def run(tools, folder, *words, **environment):
    command = [str(tools / NODE), *map(str, words)]
    quiet = {"CI": "1", "NEXT_TELEMETRY_DISABLED": "1", "NG_CLI_ANALYTICS": "false", "PARCEL_WORKER_BACKEND": "thread"}
    path = f"{(tools / NODE).parent}:{os.environ['PATH']}"
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=os.environ | quiet | {"PATH": path} | environment)
    if done.returncode != 0:
        raise SystemExit(f"bench: {' '.join(command[1:4])}: {done.stdout[-2000:]}{done.stderr[-2000:]}")


def told(folder):
    return set(json.loads((folder / "hashed.json").read_text()))


def manifest_of_vite(path):
    rows = json.loads(path.read_text()).values()
    return {name for row in rows for name in (row["file"], *row.get("css", ()), *row.get("assets", ()))}


def vite(tools, folder):
    apps.plain(folder)
    run(tools, folder, tools / "node_modules/vite/bin/vite.js", "build", "--config", tools / "vite.config.mjs")
    return Build("Vite", folder / "dist", manifest_of_vite(folder / "dist/.vite/manifest.json"))


def sveltekit(tools, folder):
    apps.svelte(folder)
    shutil.copy(HERE / "sveltekit.config.mjs", folder / "vite.config.mjs")
    apps.write(folder / "package.json", '{ "type": "module" }\n')
    run(tools, folder, tools / "node_modules/vite/bin/vite.js", "build")
    built = folder / ".svelte-kit/output/client"
    return Build("SvelteKit", built, manifest_of_vite(built / ".vite/manifest.json"))


def packed(tool, style, name):
    def build(tools, folder):
        apps.plain(folder)
        run(tools, folder, tools / "pack.mjs", tool, style, folder)
        shutil.copytree(folder / "public", folder / "dist", dirs_exist_ok=True)
        return Build(name, folder / "dist", told(folder))
    return build


def next_with(bundler, name):
    def build(tools, folder):
        apps.react(folder)
        apps.write(folder / "next.config.mjs", "export default {};\n")
        run(tools, folder, tools / "node_modules/next/dist/bin/next", "build", f"--{bundler}")
        site = folder / "site"  # as it is deployed
        shutil.rmtree(site, ignore_errors=True)
        shutil.copytree(folder / ".next/static", site / "_next/static")
        return Build(name, site, files_below(site))  # Next itself sends all of it as immutable
    return build


def angular(tools, folder):
    apps.angular(folder)
    for name in ("angular.json", "tsconfig.json"):
        shutil.copy(HERE / name, folder)
    apps.write(folder / "package.json", json.dumps({"name": "demo", "dependencies": json.loads((HERE / "package.json").read_text())["dependencies"]}))
    run(tools, folder, tools / "node_modules/@angular/cli/bin/ng.js", "build")
    return Build("Angular", folder / "dist/browser", files_below(folder / "dist/browser") & set(json.loads((folder / "dist/browser-stats.json").read_text())["outputs"]))


def esbuild(tools, folder):
    apps.plain(folder)
    run(tools, folder, tools / "esbuild.mjs", folder)
    return Build("esbuild", folder / "dist", told(folder))


def parcel(tools, folder):
    apps.plain(folder)
    shutil.copy(HERE / "parcelrc.json", folder / ".parcelrc")
    shutil.copy(HERE / "parcel-names.mjs", folder)
    apps.write(folder / "package.json", '{ "name": "demo" }\n')
    run(tools, folder, tools / "node_modules/parcel/lib/bin.js", "build", "index.html", "--dist-dir", "dist", "--no-cache")
    return Build("Parcel", folder / "dist", told(folder))


# Name → how it is built, the package whose version the page names.
TOOLS = {
    "vite": (vite, "vite"), "sveltekit": (sveltekit, "@sveltejs/kit"),
    "webpack-framework": (packed("webpack", "framework", "webpack, names of CRA"), "webpack"),
    "webpack-plain": (packed("webpack", "plain", "webpack, its own names"), "webpack"),
    "webpack-dashed": (packed("webpack", "dashed", "webpack, names of Gatsby"), "webpack"),
    "rspack-rsbuild": (packed("rspack", "rsbuild", "Rspack, names of Rsbuild"), "@rspack/core"),
    "rspack-plain": (packed("rspack", "plain", "Rspack, its own names"), "@rspack/core"),
    "next-turbopack": (next_with("turbopack", "Next, Turbopack"), "next"),
    "next-webpack": (next_with("webpack", "Next, webpack"), "next"),
    "angular": (angular, "@angular/build"), "esbuild": (esbuild, "esbuild"), "parcel": (parcel, "parcel"),
}


def build(tools, name):
    """The build of one of TOOLS, made once. Its folder and list of names are remembered beside it."""
    folder = tools / "apps" / name
    known = folder / "build.json"
    if not known.exists():
        print(f"bench: building the demo application with {name}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        made = TOOLS[name][0](tools, folder)
        known.write_text(json.dumps({"tool": made.tool, "folder": str(made.folder), "hashed": sorted(made.hashed)}))
    row = json.loads(known.read_text())
    return Build(row["tool"], pathlib.Path(row["folder"]), set(row["hashed"]))
