"""What a browser does: it keeps what may be kept, remembers what offers itself as a dictionary, and names the best one when it asks
(RFC 9842 §2)."""
import base64
import dataclasses
import json
import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
LIBRARIES = ["-lnghttp2", "-lssl", "-lcrypto", "-lzstd", "-lbrotlidec", "-lz"]
CODINGS, WITH_DICTIONARY = "gzip, deflate, br, zstd", "gzip, deflate, br, zstd, dcb, dcz"    # Chromium's
DAY = 86_400
READY = "/ready.txt"    # is always there


class Failed(Exception):
    """An answer that is not what was asked for; its words say what came instead."""


def compile_visitor(folder):
    """Made again when its source is newer."""
    source, program = HERE / "visitor.cc", folder / "visitor"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        print(f"bench: compiling {source.name}", flush=True)
        subprocess.run(["g++", "-std=c++23", "-O2", source, "-o", program, *LIBRARIES], check=True)
    return program


@dataclasses.dataclass
class Dictionary:
    """What an earlier answer offered."""
    match: str           # URL pattern of a path
    destinations: tuple  # empty: any
    id: str
    sha256: str
    order: int           # when it was fetched

    def fits(self, path, destination):
        return (not self.destinations or destination in self.destinations) and re.fullmatch(expression(self.match), path)


@dataclasses.dataclass
class Kept:
    """An answer in the browser's cache. Fresh: it is used without asking."""
    sha256: str
    validator: str | None
    fresh: bool


def expression(pattern):
    """A URL pattern of `*` and escaped characters, as a regular expression."""
    parts = re.findall(r"\\.|\*|[^\\*]+", pattern)
    return "".join(".*" if part == "*" else re.escape(part[1:] if part.startswith("\\") else part) for part in parts)


def offered(field, sha256, order):
    """What a Use-As-Dictionary field says; None: nothing that could be used."""
    match = re.search(r'\bmatch="((?:[^"\\]|\\.)*)"', field)
    if not match or not re.search(r"(^|;\s*|,\s*)match=", field):
        return None
    destinations = re.search(r"match-dest=\(([^)]*)\)", field)
    id_ = re.search(r'\bid="([^"]*)"', field)
    unescaped = lambda text: re.sub(r'\\(["\\])', r"\1", text)    # of a structured field's string (RFC 8941 §3.3.3)
    return Dictionary(unescaped(match[1]), tuple(re.findall(r'"([^"]*)"', destinations[1])) if destinations else (), id_[1] if id_ else "", sha256, order)


def destination_of(path):
    return {"js": "script", "css": "style"}.get(path.rpartition(".")[2], "empty")


def lifetime(fields):
    """Seconds for which an answer may be used without asking."""
    found = re.search(r"max-age=(\d+)", fields.get("cache-control", ""))
    return int(found[1]) if found and "no-store" not in fields["cache-control"] else 0


class Visitor:
    """Somebody who comes again: the connection is another each time in life, here it stays, which costs and saves nothing that is counted.
    `codings`: what it accepts in place of what a browser does; `dictionaries`: whether it knows them; `at_once`: how many things it asks for
    before it waits."""

    def __init__(self, bench, server, dictionaries=True, codings=CODINGS, with_dictionary=WITH_DICTIONARY, at_once=1):
        self.server, self.knows, self.codings, self.with_dictionary, self.at_once = server, dictionaries, codings, with_dictionary, at_once
        self.dictionaries, self.cached, self.order = {}, {}, 0
        command = [bench.visitor, str(server.port), "keep" if dictionaries else "forget"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ask([READY])    # the handshake is done

    def visit(self, assets):
        """What came for each of these (path → Asset) that had to be asked for: path → answer."""
        wanted = [path for path in assets if path not in self.cached or not self.cached[path].fresh]
        batches = [wanted[at:at + self.at_once] for at in range(0, len(wanted), self.at_once)]
        return {path: answer for paths in batches for path, answer in zip(paths, self.ask(paths, assets))}

    def ask(self, paths, assets=None):
        """Raises Failed when one of them is not the asset."""
        chosen = [self.best(path, destination_of(path)) for path in paths]
        answers = self.talk([self.line(path, dictionary) for path, dictionary in zip(paths, chosen)])
        for path, answer in zip(paths, answers):
            self.take(path, answer)
            if "coding" not in answer or (assets and answer["sha256"] != assets[path].sha256):
                raise Failed(f"{self.server.name}: {path}: {answer['status']} {answer.get('wrong', 'other content')} {answer['fields']}")
        return answers

    def line(self, path, chosen):
        destination = destination_of(path)
        fields = [f"accept-encoding: {self.with_dictionary if chosen else self.codings}", "accept: */*", "sec-fetch-site: same-origin",
                  "sec-fetch-mode: no-cors", f"sec-fetch-dest: {destination}"]
        if chosen:
            fields.append(f"available-dictionary: :{base64.b64encode(bytes.fromhex(chosen.sha256)).decode()}:")
            fields += [f'dictionary-id: "{chosen.id}"'] if chosen.id else []
        kept = self.cached.get(path)
        if kept and kept.validator:
            fields.append(f"if-none-match: {kept.validator}")
        return "\t".join([path, chosen.sha256 if chosen else "-", *fields])

    def take(self, path, answer):
        kept = self.cached.get(path)
        if answer["status"] == 304 and kept:
            answer |= {"coding": "304", "sha256": kept.sha256}
        elif answer["status"] == 200 and "wrong" not in answer:
            answer["coding"] = answer["fields"].get("content-encoding", "identity")
            self.remember(path, answer)

    def talk(self, lines):
        self.process.stdin.write("\n".join([str(len(lines)), *lines, ""]))
        self.process.stdin.flush()
        answers = []
        for line in lines:
            told = self.process.stdout.readline()
            answers.append(json.loads(told) if told else {"failed": "the client has ended"})
            if "failed" in answers[-1]:
                raise Failed(f"{self.server.name}: {line.split()[0]}: {answers[-1]['failed']}")
        return answers

    def remember(self, path, answer):
        self.cached[path] = Kept(answer["sha256"], answer["fields"].get("etag"), lifetime(answer["fields"]) >= DAY)
        field = answer["fields"].get("use-as-dictionary")
        found = offered(field, answer["sha256"], self.order) if field and self.knows and lifetime(answer["fields"]) else None
        if found:
            self.order += 1
            self.dictionaries[found.match, found.destinations] = found    # a later one with the same pattern takes its place

    def best(self, path, destination):
        """RFC 9842 §2.2.3: one for this destination before one for any, then the longest pattern, then the latest."""
        fitting = [known for known in self.dictionaries.values() if known.fits(path, destination)]
        return max(fitting, key=lambda known: (bool(known.destinations), len(known.match), known.order), default=None)

    def leave(self):
        self.process.stdin.close()
        self.process.wait()
