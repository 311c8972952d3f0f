"""The peers of npm, at the versions of peers/package-lock.json: installed once, into a folder outside of the tree."""
import json
import pathlib
import platform
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent / "peers"
ARCHITECTURE = "arm64" if platform.machine() == "aarch64" else "x64"
LIBRARIES = ("@img", f"sharp-libvips-linux-{ARCHITECTURE}", "versions.json")


def install(cache):
    """The folder with node and the peers, made once below `cache` for each package-lock.json."""
    folder = cache / "peers"
    lock = (HERE / "package-lock.json").read_text()
    if not (folder / "installed").exists() or (folder / "installed").read_text() != lock:
        if not shutil.which("npm"):
            raise SystemExit("bench: npm is missing (run scripts/setup npm)")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(HERE, folder)
        print("bench: installing the peers from npm", flush=True)
        # Not `ci`: it insists on entries for other systems, which a mirror of the registry may lack.
        subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder, check=True)
        (folder / "installed").write_text(lock)
    for script in HERE.glob("*.mjs"):
        shutil.copy(script, folder)
    return folder


def node(folder):
    """The program: Debian 12's own is older than Next.js 16 wants."""
    return folder / "node_modules" / f"node-linux-{ARCHITECTURE}" / "bin" / "node"


def build_next(folder, photographs):
    """Next's application as it is deployed, with the photographs; its folder. Its cache is empty."""
    built = folder / "next"
    shutil.copytree(HERE / "next", built, dirs_exist_ok=True)
    if not (built / ".next" / "BUILD_ID").exists():
        print("bench: building Next's application", flush=True)
        run = subprocess.run([node(folder), folder / "node_modules/next/dist/bin/next", "build", built], capture_output=True, text=True)
        if run.returncode != 0:
            raise SystemExit(f"bench: next build: {run.stdout[-2000:]}{run.stderr[-2000:]}")
    public = built / "public" / "photographs"
    shutil.rmtree(public, ignore_errors=True)
    shutil.copytree(photographs, public)
    shutil.rmtree(built / ".next" / "cache" / "images", ignore_errors=True)
    return built


def versions(folder):
    """Name → version, with the libraries that matter."""
    own = lambda *path: json.loads(folder.joinpath("node_modules", *path).read_text())
    engine = lambda *path: (f"{own(*path, 'sharp', 'package.json')['version']} (libvips {own(*path, *LIBRARIES)['vips']}, "
                            f"libaom {own(*path, *LIBRARIES)['aom']}, mozjpeg)")
    return {"node": own(node(folder).parent.parent.name, "package.json")["version"], "ipx": own("ipx", "package.json")["version"] + " with sharp " +
            engine("ipx", "node_modules"), "next": own("next", "package.json")["version"] + " with sharp " + engine(), "sharp": engine()}
