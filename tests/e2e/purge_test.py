#!/usr/bin/python3
"""Purging: what was stored is not used any more once the answer is there, and nothing else is concerned."""
import json
import signal
import subprocess
import tempfile
import unittest

import pictures
from coded import SCRIPT, ask, best
from messages import Response, parse_head
from selvage import PROGRAM, Server
from server_case import write
from waiting import DEADLINE, until

CAT, DOG = "/img/cat.jpg?w=64&fm=webp", "/img/dog.jpg?w=64&fm=webp"
SAME_CAT = "/copy/cat.jpg?w=64&fm=webp"


def post(server, target="/purge", body=None):
    data = [] if body is None else ["-H", "content-type: application/json", "--data-binary",
                                    body if isinstance(body, str) else json.dumps(body)]
    done = subprocess.run(["curl", "-sS", "-i", "--globoff", "-X", "POST", "--max-time", str(DEADLINE), *data,
                           f"http://127.0.0.1:{server.ports['admin']}{target}"], stdout=subprocess.PIPE, check=True)
    head, _, text = done.stdout.partition(b"\r\n\r\n")
    return Response(*parse_head(head), text)


def purge(server, **what):
    response = post(server, body=what)
    assert response.status == 200, response.body
    said = json.loads(response.body)
    assert said["purged"] is True
    return said


def is_hit(server, target):
    response = server.get(target)
    assert response.status == 200, (target, response.status)
    return response["cache-status"] in ("selvage; hit", "selvage; hit; detail=disk")  # not one for the meantime


def warm(server, *targets):
    for target in targets:
        server.get(target)
        until(f"{target} is stored", lambda: is_hit(server, target))


class Purges(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="selvage-purge-")
        cls.addClassCleanup(cls.temporary.cleanup)
        cat = pictures.jpeg(200, 100)
        write(cls.temporary.name, {"root/img/cat.jpg": cat, "root/copy/cat.jpg": cat, "root/img/dog.jpg": pictures.jpeg(210, 100),
                                   "root/app.js": SCRIPT})
        cls.server = Server(config=f"""
            [[site]]
            hosts = ["*"]
            root = "{cls.temporary.name}/root"
            [[site.rule]]
            match = "/img/**"
            tags = ["pictures", "all:img"]
            """)
        cls.addClassCleanup(lambda: cls.server.stop())

    def concerns(self, purged, kept, **what):
        """Each of `purged` by itself: what is made anew for one URL is there for all that show the same."""
        for target in purged or [None]:
            warm(self.server, *purged, *kept)
            said = purge(self.server, **what)
            for other in kept:
                self.assertTrue(is_hit(self.server, other), (other, what))
            if target:
                self.assertFalse(is_hit(self.server, target), (target, what))
        return said

    def test_a_url_goes_with_all_that_was_made_of_its_file_under_every_url(self):
        said = self.concerns([CAT, SAME_CAT], [DOG], urls=["/img/cat.jpg"])
        self.assertGreaterEqual(said["tags"], 2)
        self.concerns([CAT], [DOG], urls=[self.server.url("/img/cat.jpg")])

    def test_a_url_with_a_query_goes_alone(self):
        other = CAT.replace("64", "65")
        self.concerns([CAT], [DOG, other, SAME_CAT], urls=[CAT])

    def test_a_prefix(self):
        self.concerns([CAT, DOG], [SAME_CAT], prefixes=["/img/"])
        self.concerns([SAME_CAT], [CAT, DOG], prefixes=[self.server.url("/copy/")])

    def test_a_rules_tag(self):
        self.concerns([CAT, DOG], [SAME_CAT], tags=["all:img"])
        self.concerns([], [CAT, DOG, SAME_CAT], tags=["nothing"])

    def test_a_glob(self):
        self.concerns([CAT, SAME_CAT], [DOG], globs=["/*/cat.*"])

    def test_everything(self):
        self.concerns([CAT, DOG, SAME_CAT], [], all=True)

    def test_codings_go_as_well(self):
        best(self.server, "/app.js", "br")
        until("it is a hit", lambda: ask(self.server, "/app.js", "br")["cache-status"] == "selvage; hit")
        purge(self.server, urls=["/app.js"])
        again = ask(self.server, "/app.js", "br")
        self.assertNotEqual(again["cache-status"], "selvage; hit")
        self.assertEqual(again.content, SCRIPT)

    def test_a_soft_purge_is_answered_at_once_and_made_anew(self):
        warm(self.server, CAT)
        purge(self.server, urls=["/img/cat.jpg"], soft=True)
        self.assertFalse(is_hit(self.server, CAT))  # answered with what there is, and not as a hit
        until("it is made anew", lambda: is_hit(self.server, CAT))

    def test_sequences_grow_and_metrics_tell(self):
        before = purge(self.server, tags=["a"])["sequence"]
        self.assertGreater(purge(self.server, tags=["b"])["sequence"], before)
        metrics = self.server.metrics()
        self.assertGreater(metrics["cache_purge_sequence"], before)
        self.assertGreaterEqual(metrics["cache_purges_total"], 2)

    def test_the_log_has_a_line_of_who_purged_what(self):
        said = purge(self.server, urls=["/img/nobody-has-this.jpg"], soft=True)
        line = next(line for line in self.server.log().splitlines() if "nobody-has-this" in line)
        self.assertRegex(line, rf"purge: soft by 127\.0\.0\.1: sequence {said['sequence']}, \d+ tags: ")

    def test_mistakes_are_named(self):
        for status, body, word in ((400, "", "nothing to purge"), (400, "nonsense", "JSON"), (400, {"url": ["/a"]}, '"url"'),
                                   (400, {"urls": "/a"}, '"urls"'), (422, {"urls": ["a.png"]}, '"a.png"'),
                                   (422, {"prefixes": ["/img"]}, '"/img"'), (422, {"urls": ["/a", "https://"]}, '"https://"')):
            response = post(self.server, body=body)
            self.assertEqual(response.status, status, body)
            self.assertIn(word, json.loads(response.body)["reason"])
        self.assertEqual(post(self.server, body=json.dumps({"urls": ["/" + "a" * 70_000]})).status, 413)
        self.assertEqual(self.server.admin("/purge").status, 405)

    def test_a_query_does_as_well_as_a_body(self):
        warm(self.server, CAT, DOG)
        response = post(self.server, "/purge?url=/img/cat.jpg&soft=0")
        self.assertEqual(response.status, 200, response.body)
        self.assertFalse(is_hit(self.server, CAT))
        self.assertTrue(is_hit(self.server, DOG))

    def test_the_command(self):
        def command(*words):
            return subprocess.run([PROGRAM, "purge", "--admin", f"127.0.0.1:{self.server.ports['admin']}", *words],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=DEADLINE)

        for words in (["/img/cat.jpg"], ["--prefix", "/img/"], ["--tag", "pictures"], ["--glob", "/img/cat*"], ["--all"]):
            warm(self.server, CAT)
            done = command(*words)
            self.assertEqual((done.returncode, done.stderr), (0, ""), words)
            self.assertRegex(done.stdout, r"^purged: sequence \d+\n$")
            self.assertFalse(is_hit(self.server, CAT), words)
        done = command("cat.jpg")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn('"cat.jpg"', done.stderr)
        self.assertEqual(command().returncode, 2)
        self.assertEqual(command("--soft").returncode, 2)


class Restarts(unittest.TestCase):
    def test_an_acknowledged_purge_survives_kill_9(self):
        with tempfile.TemporaryDirectory(prefix="selvage-purge-") as folder:
            write(folder, {"root/img/cat.jpg": pictures.jpeg(200, 100), "root/img/dog.jpg": pictures.jpeg(210, 100)})

            def start():
                return Server(f"{folder}/root", cache=f"{folder}/cache")

            with start() as server:
                warm(server, CAT, DOG)
            server = start()  # both are on the disk now, and purged there
            until("the index is there", lambda: is_hit(server, CAT) and is_hit(server, DOG))
            said = purge(server, urls=["/img/cat.jpg"])
            server.send(signal.SIGKILL)
            server.stop(None, expect_good=False)
            with start() as server:
                self.assertFalse(is_hit(server, CAT))
                until("what was not purged is found", lambda: is_hit(server, DOG))
                self.assertGreater(purge(server, tags=["x"])["sequence"], said["sequence"])
                self.assertGreater(server.metric("cache_purge_sequence"), said["sequence"])


if __name__ == "__main__":
    unittest.main()
