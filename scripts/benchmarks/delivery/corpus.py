"""What is released: consecutive versions of real packages from npm, downloaded once and never part of the tree. A library's files get
names as a build tool gives them, `assets/<stem>-<8 characters of base64url of the content's hash>.js`; what a package ships with hashed names
keeps them. All packages together are one site, which is released in steps."""
import base64
import dataclasses
import hashlib
import pathlib
import platform
import random
import re
import shutil
import subprocess
import tarfile

STEPS = 4
TYPES = {".js": ".js", ".mjs": ".js", ".css": ".css"}  # as they come → as a build tool names them
HASHED = re.compile(r"[-.][A-Za-z0-9_-]{8}\.(js|css)$")
LEGACY = "-legacy-"  # what @vitejs/plugin-legacy makes for browsers without modules: no browser of today asks for it
ESBUILD = "0.25.12"  # minifies what comes without that
ARCHITECTURE = "arm64" if platform.machine() == "aarch64" else "x64"


@dataclasses.dataclass(frozen=True)
class Package:
    name: str
    versions: tuple        # consecutive; as many as there are steps, or fewer: then it stays at the last
    files: tuple           # globs within the package
    minify: bool = False
    built: bool = False    # comes with hashed names

    def folder(self):
        """Where it lies on the site: what a build tool would have bundled lies together, a whole build by itself."""
        return self.name.strip("@").replace("/", "-") if self.built else "assets"


NPM = [
    Package("react-dom", ("19.2.8", "19.2.9", "19.3.0", "19.3.1"), ("cjs/react-dom-client.production.js",), minify=True),
    Package("vue", ("3.5.42", "3.5.43", "3.5.44", "3.5.45"), ("dist/vue.global.prod.js",)),
    Package("three", ("0.185.0", "0.185.1", "0.186.0", "0.187.0"), ("build/three.core.js", "build/three.module.js"), minify=True),
    Package("lodash", ("4.17.21", "4.17.23", "4.18.0", "4.18.1"), ("lodash.min.js",)),
    Package("swagger-ui-dist", ("5.33.3", "5.34.0", "5.34.1", "5.35.0"),
            ("swagger-ui-bundle.js", "swagger-ui-standalone-preset.js", "swagger-ui.css")),
    Package("bootstrap", ("5.3.5", "5.3.6", "5.3.7", "5.3.8"), ("dist/css/bootstrap.min.css", "dist/js/bootstrap.bundle.min.js")),
    Package("chart.js", ("4.4.8", "4.4.9", "4.5.0", "4.5.1"), ("dist/chart.umd.js",)),
    Package("d3", ("7.8.4", "7.8.5", "7.9.0", "7.9.2"), ("dist/d3.min.js",)),
    Package("antd", ("6.6.5", "6.6.6", "6.6.7", "6.6.8"), ("dist/antd.min.js",)),
    Package("video.js", ("8.23.8", "8.23.9", "8.24.0", "8.24.1"), ("dist/video.min.js", "dist/video-js.min.css")),
    Package("maplibre-gl", ("6.14.0", "6.15.0", "6.16.0", "6.17.0"),
            ("dist/maplibre-gl.mjs", "dist/maplibre-gl-worker.mjs", "dist/maplibre-gl.css")),
    Package("vuetify", ("4.2.0", "4.2.1", "4.2.2", "4.3.0"), ("dist/vuetify.min.js", "dist/vuetify.min.css")),
    Package("echarts", ("5.5.1", "5.6.0", "6.0.0", "6.1.0"), ("dist/echarts.min.js",)),
    Package("jquery", ("3.6.4", "3.7.0", "3.7.1", "3.8.0"), ("dist/jquery.min.js",)),
    Package("axios", ("1.19.0", "1.20.0", "1.21.0", "1.21.1"), ("dist/axios.min.js",)),
    Package("alpinejs", ("3.17.1", "3.17.2", "3.17.3", "3.17.4"), ("dist/cdn.min.js",)),
    Package("n8n-editor-ui", ("2.39.4", "2.39.5", "2.39.6", "2.40.2"), ("dist/assets/*",), built=True),       # Vite
    Package("@vitest/ui", ("5.0.3", "5.0.4", "5.0.5", "5.1.0"), ("dist/client/assets/*",), built=True),       # Vite
    Package("monaco-editor", ("0.55.1", "0.56.0", "0.57.0"), ("min/vs/*", "min/vs/assets/*"), built=True),  # Vite
]
QUICK = [Package("vue", ("3.5.44", "3.5.45"), ("dist/vue.global.prod.js",)),
         Package("bootstrap", ("5.3.7", "5.3.8"), ("dist/css/bootstrap.min.css", "dist/js/bootstrap.bundle.min.js")),
         Package("chart.js", ("4.5.0", "4.5.1"), ("dist/chart.umd.js",)),
         Package("alpinejs", ("3.17.3", "3.17.4"), ("dist/cdn.min.js",)),
         Package("@vitest/ui", ("5.0.5", "5.1.0"), ("dist/client/assets/*",), built=True)]
GENERATED = [Package(f"generated-{number}", ("1.0.0", "1.0.1"), ()) for number in range(6)]
SHARED = "shared bundles"  # an extra, of whoever has them


@dataclasses.dataclass(frozen=True)
class Asset:
    package: str
    path: str      # of the URL
    file: pathlib.Path
    sha256: str
    size: int


@dataclasses.dataclass
class Corpus:
    packages: list   # of Package
    steps: list      # of path → Asset

    def changed(self, step):
        """What a returning visitor of this release has not seen, by path."""
        return {path: asset for path, asset in self.steps[step].items() if path not in self.steps[step - 1]}


def prepare(cache, packages, shared=None):
    """Downloads what is missing. `shared`: a folder NAME/VERSION/FILE, as an extra."""
    contents = [{} for _ in range(max(len(package.versions) for package in packages))]
    if packages is not GENERATED:
        fetch(cache, packages)
    for package in packages:
        for step, all_of_it in enumerate(contents):
            version = package.versions[min(step, len(package.versions) - 1)]
            found = generated(package, version) if packages is GENERATED else files_of(cache, package, version)
            if not found:
                raise SystemExit(f"bench: {package.name} {version} has none of {', '.join(package.files)}")
            for path, bytes_ in found.items():
                all_of_it[path] = keep(cache, package.name, path, bytes_)
    if shared and shared.is_dir() and packages is not GENERATED:
        packages = [*packages, *add_shared(cache, shared, contents)]
    return Corpus(packages, contents)


def keep(cache, package, path, content):
    """By its content, so that two versions with the same file have one."""
    digest = hashlib.sha256(content).hexdigest()
    file = cache / "named" / digest[:2] / digest
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return Asset(package, path, file, digest, len(content))


def fetch(cache, packages):
    """`npm pack` of what is not there yet, in one go, and what minifies."""
    folder = cache / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    missing = [f"{package.name}@{version}" for package in packages for version in package.versions if not tarball(cache, package, version).exists()]
    if missing:
        need_npm()
        print(f"bench: fetching {len(missing)} releases from npm", flush=True)
        for wanted in missing:
            subprocess.run(["npm", "pack", "--silent", "--pack-destination", folder, wanted], check=True, stdout=subprocess.DEVNULL)
    if any(package.minify for package in packages) and not minifier(cache).exists():
        need_npm()
        subprocess.run(["npm", "install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", cache / "esbuild", f"esbuild@{ESBUILD}"],
                       check=True, stdout=subprocess.DEVNULL)


def need_npm():
    if not shutil.which("npm"):
        raise SystemExit("bench: npm is missing (run scripts/setup npm)")


def minifier(cache):
    return cache / "esbuild" / "node_modules" / "@esbuild" / f"linux-{ARCHITECTURE}" / "bin" / "esbuild"


def tarball(cache, package, version):
    return cache / "packages" / f"{package.name.strip('@').replace('/', '-')}-{version}.tgz"


def files_of(cache, package, version):
    """URL path → content."""
    found = {}
    with tarfile.open(tarball(cache, package, version)) as packed:
        for member in packed:
            path = pathlib.PurePosixPath(*pathlib.PurePosixPath(member.name).parts[1:])
            if not member.isfile() or path.suffix not in TYPES or not any(path.match(wanted) and path.parent == pathlib.PurePosixPath(wanted).parent
                                                                          for wanted in package.files):
                continue
            content = packed.extractfile(member).read()
            if package.built:
                if HASHED.search(path.name) and LEGACY not in path.name:
                    found[f"/{package.folder()}/{path.relative_to(common(package))}"] = content
            else:
                content = minified(cache, content, path.suffix) if package.minify else content
                found[named(package.folder(), path, content)] = content
    return found


def common(package):
    return min((pathlib.PurePosixPath(wanted).parent for wanted in package.files), key=lambda parent: len(parent.parts))


def named(folder, path, content):
    stem = path.stem.removesuffix(".min")
    return f"/{folder}/{stem}-{tail(content)}{TYPES[path.suffix]}"


def tail(content):
    """What Vite and Rollup put behind a name: eight characters of base64url of a hash."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode()[:8]


def minified(cache, content, suffix):
    loader = "css" if suffix == ".css" else "js"
    kept = cache / "minified" / f"{hashlib.sha256(content).hexdigest()}-{ESBUILD}"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(subprocess.run([minifier(cache), "--minify", f"--loader={loader}"], input=content, capture_output=True, check=True).stdout)
    return kept.read_bytes()


def add_shared(cache, shared, contents):
    """Bundles that somebody has beside the tree, in their last two versions at the last two steps."""
    packages = []
    for folder in sorted(path for path in shared.iterdir() if path.is_dir()):
        versions = sorted(path for path in folder.iterdir() if path.is_dir())[-2:]
        package = Package(f"{folder.name} ({SHARED})", tuple(version.name for version in versions), ())
        for step, all_of_it in enumerate(contents):
            version = versions[0] if step < len(contents) - 1 else versions[-1]
            for file in sorted(version.iterdir()):
                if file.suffix in TYPES:
                    path = named("shared", file, file.read_bytes())
                    all_of_it[path] = keep(cache, package.name, path, file.read_bytes())
        packages.append(package)
    return packages


def generated(package, version):
    """Without a network: text that compresses like a script does, of which a release changes a few lines."""
    chance = random.Random(package.name)
    words = [chance.choice(["function", "return", "const", "this", "state", "value", "index"]) + str(chance.randrange(400)) for _ in range(700)]
    lines = [" ".join(chance.choice(words) for _ in range(12)) + ";\n" for _ in range(900)]
    if version != "1.0.0":
        for _ in range(12):
            lines[chance.randrange(len(lines))] = f"export const changed{chance.randrange(10 ** 6)} = {chance.random()};\n"
    content = "".join(lines).encode()
    return {named("assets", pathlib.PurePosixPath(f"{package.name}.js"), content): content}


def describe(corpus):
    """For the page: what was released."""
    return [{"name": package.name, "versions": list(package.versions), "built": package.built, "minified": package.minify,
             "files": sum(asset.package == package.name for asset in corpus.steps[-1].values()),
             "bytes": sum(asset.size for asset in corpus.steps[-1].values() if asset.package == package.name)} for package in corpus.packages]
