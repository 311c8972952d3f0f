"""The mix: real assets as a site has them. The demo site's page, style, script, pictures and fonts, Bootstrap and jQuery, and
photographs at two widths; with .br and .gz beside what compresses, for the servers that do not compress by themselves."""
import gzip
import shutil
import subprocess
import time

from . import process, servers

LIBRARIES = [  # libjs-bootstrap5, libjs-jquery
    "/usr/share/bootstrap-html/css/bootstrap.min.css",
    "/usr/share/bootstrap-html/js/bootstrap.bundle.min.js",
    "/usr/share/javascript/jquery/jquery.min.js",
]
TAKEN = {".html", ".css", ".js", ".svg", ".woff2"}
CODED = {".html", ".css", ".js", ".svg"}
CODED_FROM = 1024    # bytes; smaller ones fit into the first packet anyway
WIDTHS = (480, 960)


def install(bench, demo, made):
    """Makes the mix in `made` unless it is there, copies it to where it is served, and returns its paths."""
    if not (made / "complete").exists():
        shutil.rmtree(made, ignore_errors=True)
        make(bench, demo, made)
        (made / "complete").touch()
    shutil.copytree(made, bench.files / "mix")
    (bench.files / "mix" / "complete").unlink()
    return sorted(f"/mix/{path.relative_to(made)}" for path in made.rglob("*.*") if path.suffix not in {".br", ".gz"})


def make(bench, demo, made):
    print("bench: preparing the mix of assets", flush=True)
    for found in demo.rglob("*"):
        if found.suffix in TAKEN:
            target = made / found.relative_to(demo)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(found, target)
    for library in LIBRARIES:
        shutil.copy(library, made)
    photographs(bench, demo, made)
    for path in [path for path in made.rglob("*") if path.suffix in CODED and path.stat().st_size >= CODED_FROM]:
        subprocess.run(["brotli", "--best", "--keep", path], check=True)
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), 9))


def photographs(bench, demo, made):
    """As Selvage makes them; from here on they are files like others."""
    with_photos = bench.scratch / "photos"
    shutil.copytree(demo / "photos", with_photos)
    shutil.copy(bench.files / "1k.bin", with_photos)
    server = servers.start(bench, servers.OURS, files=with_photos)
    try:
        for photo in sorted((demo / "photos").glob("*.jpg")):
            for width in WIDTHS:
                image = process.fetch(f"{server.https}/{photo.name}?w={width}&fm=jpg")[2]
                (made / f"{photo.stem}-{width}.jpg").write_bytes(image)
    finally:
        server.stop()


def url_list(bench, server, paths):
    file = bench.scratch / f"{server.name}-mix.txt"
    file.write_text("".join(servers.url(server, path) + "\n" for path in paths))
    return file


def warm(server, paths, seconds=60):
    """Bytes of all bodies with `Accept-Encoding: br`, when they no longer change: Selvage compresses quickly first and well later.

    Stops the program when what should be coded is not.
    """
    until, before = time.monotonic() + seconds, None
    while True:
        answers = {path: process.fetch(server.http + path, {"Accept-Encoding": "br"}) for path in paths}
        total = sum(len(body) for _, _, body in answers.values())
        plain = [path for path, (_, fields, body) in answers.items() if is_coded(path) and fields["Content-Encoding"] != "br" and len(body) >= CODED_FROM]
        if not plain and (total == before or server.name != servers.OURS):
            return total
        if time.monotonic() > until:
            raise SystemExit(f"bench: {server.name} does not send Brotli for {plain or 'ever the same bytes'}")
        before = total
        time.sleep(0.5)


def is_coded(path):
    return "." + path.rpartition(".")[2] in CODED
