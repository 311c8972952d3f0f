"""Pages of documentations that Debian packages have: what readers are sent for them, with br-11, as differences to what the site's pages have in
common (site.dictionary), and to the page read before (site.page_deltas)."""
import base64
import hashlib
import http.client
import pathlib
import random
import shutil
import ssl

from . import contenders

# Name → folder; the packages come with what scripts/setup installs. Those that are not there are left out.
DOCUMENTATIONS = {
    "liblqr (Doxygen)": "/usr/share/doc/liblqr-1-0-dev",
    "libxslt (DocBook and others)": "/usr/share/doc/libxslt1-dev",
    "Node.js": "/usr/share/doc/nodejs",
}
FEWEST, MOST = 30, 120          # pages
SMALLEST = 1024                 # bytes: below it no dictionary is used
LOOKS = 20                      # until nothing becomes smaller any more


def measure(bench):
    found = []
    for name, folder in DOCUMENTATIONS.items():
        pages = sorted(path for path in pathlib.Path(folder).rglob("*.html") if path.stat().st_size >= SMALLEST)
        if len(pages) >= FEWEST:
            found.append(of_documentation(bench, name, pathlib.Path(folder), pages))
            print(f"bench: pages of {name}: {found[-1]}", flush=True)
    return found


def of_documentation(bench, name, folder, pages):
    root = contenders.open_folder(bench.scratch / "pages" / folder.name)
    for page in pages:
        target = root / page.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(page, target)
    random.Random(1).shuffle(pages)
    pages = ["/" + str(page.relative_to(folder)) for page in pages[:MOST]]
    hashes = {page: hashlib.sha256((root / page[1:]).read_bytes()).digest() for page in pages}
    result = {"name": name, "pages": len(pages), "size": sum((root / page[1:]).stat().st_size for page in pages)}
    with Reader(bench, contenders.PAGES_DICTIONARY, root) as reader:
        result["br"] = reader.settled({page: None for page in pages})
        place = reader.ask(pages[0], None)[0]["link"]
        if place:
            place = place[1:place.index(">")]
            hash_of = hashlib.sha256(reader.ask(place, None, "identity")[1]).digest()
            result["fetched"] = reader.settled({place: None})
            result["dictionary"] = reader.settled({page: hash_of for page in pages})
    with Reader(bench, contenders.PAGE_DELTAS, root) as reader:
        reader.settled({page: None for page in pages})
        result["page"] = reader.settled({page: hashes[before] for page, before in zip(pages, [pages[-1], *pages])})
    return result


class Reader:
    """Somebody who reads all pages of a server of their own."""

    def __init__(self, bench, name, root):
        self.server = contenders.Contender(bench, name, root)
        self.server.drain(contenders.AFTER_DEPLOY)
        context = ssl._create_unverified_context()
        self.connection = http.client.HTTPSConnection("127.0.0.1", self.server.port, context=context, timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()
        self.server.stop()

    def ask(self, path, dictionary, codings="gzip, deflate, br, zstd"):
        fields = {"Accept-Encoding": codings}
        if dictionary:
            fields = {"Accept-Encoding": codings + ", dcb, dcz", "Available-Dictionary": f":{base64.b64encode(dictionary).decode()}:"}
        self.connection.request("GET", path, headers=fields)
        response = self.connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise SystemExit(f"bench: {path}: {response.status}")
        return {name: response.getheader(name) for name in ("link", "etag")}, body

    def settled(self, wanted):
        """Bytes of {path: hash of the dictionary, None: without}, once two looks in a row bring the same."""
        before = None
        for _ in range(LOOKS):
            total = sum(len(self.ask(path, dictionary)[1]) for path, dictionary in wanted.items())
            self.server.drain()
            if total == before:
                break
            before = total
        return total
