#!/usr/bin/python3
"""The configuration is replaced while running, or refused without harm."""
import json
import pathlib
import re
import signal
import ssl
import subprocess
import tempfile
import unittest

from selvage import Server
from server_case import ServerCase, write
from waiting import DEADLINE, until

RULES = """
[[site.rule]]
match = "/video/**"
browser_ttl = "1h"
edge_ttl = "2h"
[[site.rule]]
match = "/private/**"
bypass = true
[[site.rule]]
match = "/**.html"
headers = { X-Frame-Options = "DENY", X-Content-Type-Options = "nosniff" }
[[site.rule]]
match = "/**"
headers = { X-Last = "yes" }
"""


def make_certificate(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", f"/CN={name}", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
                   check=True, stderr=subprocess.DEVNULL, timeout=DEADLINE)


class Reload(ServerCase):
    files = {"site/" + name: b"<p>text</p>" * 200 for name in ("index.html", "video/a.mp4", "private/a.css", "a.css",
                                                               "sub/page.html")} | {
        "other/index.html": b"another root", "site/big.bin": bytes(32 << 20)}

    @classmethod
    def start(cls):
        make_certificate(cls.root, "first")
        return Server(config=cls.configuration(""))

    @classmethod
    def configuration(cls, rules, root="site", server=""):
        tls = f'[tls]\ncertificate = "{cls.root}/cert.pem"\nkey = "{cls.root}/key.pem"\n'
        return f'[server]\n{server}\n{tls}[http2]\nrequests = 1_000_000\n[[site]]\nroot = "{cls.root}/{root}"\n{rules}'

    def setUp(self):
        self.server.config.write_text(self.configuration(""))
        self.assertEqual(self.server.admin("/reload", "POST").status, 200)

    def reload(self, text):
        self.server.config.write_text(text)
        response = self.server.admin("/reload", "POST")
        return response.status, json.loads(response.body)

    def test_rules_say_how_long_to_keep_what_to_bypass_and_which_fields_to_add(self):
        self.assertEqual(self.reload(self.configuration(RULES))[0], 200)
        video = self.server.get("/video/a.mp4")
        self.assertEqual(video["cache-control"], "public, max-age=3600, s-maxage=7200")
        self.assertNotIn("x-last", video)  # the first match wins
        for _ in range(2):
            private = self.server.get("/private/a.css", fields={"Accept-Encoding": "br"})
            self.assertEqual((private.status, private["cache-control"], private["cache-status"]),
                             (200, "no-store", "selvage; fwd=bypass"))
            self.assertEqual(private.content, b"<p>text</p>" * 200)
        page = self.server.get("/sub/page.html")
        self.assertEqual((page["x-frame-options"], page["x-content-type-options"]), ("DENY", "nosniff"))
        self.assertEqual(self.server.get("/a.css")["x-last"], "yes")

    def test_both_ways_of_reloading_put_a_new_configuration_in_force(self):
        self.assertNotIn("x-frame-options", self.server.get("/sub/page.html"))
        self.server.config.write_text(self.configuration(RULES))
        self.server.send(signal.SIGHUP)
        until("the rule", lambda: self.server.get("/sub/page.html")["x-frame-options"] == "DENY")
        status, answer = self.reload(self.configuration("", root="other"))
        self.assertEqual((status, answer["reloaded"], answer["mistakes"]), (200, True, []))
        self.assertEqual(self.server.get("/").body, b"another root")
        self.assertEqual(self.server.metric("configuration_generation"), answer["generation"])
        self.assertEqual(self.server.admin("/reload").status, 405)

    def test_a_bad_file_is_refused_with_its_mistakes_and_changes_nothing(self):
        generation = self.server.metric("configuration_generation")
        failed = self.server.metric('reloads_total{outcome="failed"}')
        text = self.configuration('[[site.rule]]\nmatch = "/**"\nbrowser_tll = "1h"\nedge_ttl = "soon"\n')
        status, answer = self.reload(text)
        self.assertEqual((status, answer["reloaded"]), (422, False))
        lines = text.splitlines()
        for key in ("browser_tll", "edge_ttl"):
            line = 1 + next(i for i, line in enumerate(lines) if line.startswith(key))
            [mistake] = [mistake for mistake in answer["mistakes"] if mistake.startswith(f"{self.server.config}:{line}:")]
            self.assertRegex(mistake, r":\d+:\d+: ")
            self.assertIn(mistake, self.server.log())
        self.assertIn("browser_ttl", " ".join(answer["mistakes"]))  # the nearest known key
        self.server.send(signal.SIGHUP)
        until("the log of the second refusal", lambda: self.server.metric('reloads_total{outcome="failed"}') == failed + 2)
        self.assertEqual(self.server.metric("configuration_generation"), generation)
        self.assertEqual(self.server.get("/").status, 200)
        for broken in ("[site", "", self.configuration("", root="nowhere"), None):
            if broken is None:
                self.server.config.unlink()
                self.assertEqual(self.server.admin("/reload", "POST").status, 422)
            else:
                self.assertEqual(self.reload(broken)[0], 422, broken)
            self.assertEqual(self.server.get("/").status, 200)

    def test_what_needs_a_restart_is_said(self):
        status, answer = self.reload(self.configuration("", server='access_log = "/dev/null"'))
        self.assertEqual((status, answer["needs_restart"]), (200, ["server.access_log"]))

    def test_a_certificate_is_replaced_and_a_bad_one_refused(self):
        def served():
            return ssl.get_server_certificate(("127.0.0.1", self.server.ports["https"]), timeout=DEADLINE).strip()
        before = served()
        self.assertEqual(before, (self.root / "cert.pem").read_text().strip())
        with self.server.connect(tls=True, alpn=["http/1.1"]) as connection:
            make_certificate(self.root, "second")
            self.assertEqual(self.server.admin("/reload", "POST").status, 200)
            self.assertEqual(served(), (self.root / "cert.pem").read_text().strip())
            self.assertNotEqual(served(), before)
            connection.sendall(b"GET /a.css HTTP/1.1\r\nHost: a\r\n\r\n")  # the connection from before lives on
            self.assertTrue(connection.recv(100).startswith(b"HTTP/1.1 200"))
        current = served()
        good = (self.root / "cert.pem").read_bytes()
        (self.root / "cert.pem").write_text("-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n")
        self.assertEqual(self.server.admin("/reload", "POST").status, 422)
        (self.root / "cert.pem").write_bytes(good)
        key = (self.root / "key.pem").read_bytes()
        with tempfile.TemporaryDirectory() as other:
            make_certificate(pathlib.Path(other), "other")
            write(self.root, {"key.pem": (pathlib.Path(other) / "key.pem").read_bytes()})
        self.assertEqual(self.server.admin("/reload", "POST").status, 422)  # the key of another certificate
        write(self.root, {"key.pem": key})
        self.assertEqual(served(), current)

    def test_no_request_fails_while_the_configuration_is_reloaded_again_and_again(self):
        started = self.server.metric("requests_total")
        loads = {  # connections that stay, connections that are opened all the time, both protocols
            "kept": self.load("-c", "6", "-m", "10", "-D", "4", self.server.url("/a.css")),
            "new": self.load("-c", "320", "-r", "80", "-m", "4", "-n", "3200", self.server.url("/a.css")),
            "plain": self.load("--h1", "-c", "4", "-D", "4", self.server.url("/a.css", "http/1.1"))}
        until("requests flow", lambda: self.server.metric("requests_total") > started + 100)
        reloads = 0
        while any(load.poll() is None for load in loads.values()):
            self.assertEqual(self.reload(self.configuration(RULES if reloads % 2 else ""))[0], 200)
            reloads += 1
        self.assertGreater(reloads, 20)
        for name, load in loads.items():
            with self.subTest(name):
                output = load.communicate(timeout=DEADLINE)[0]
                numbers = {name: int(count) for count, name in
                           re.findall(r"(\d+) (done|succeeded|failed|errored|timeout|2xx|[345]xx)", output)}
                print(f"\n{name}: {numbers['done']} requests during {reloads} reloads")
                self.assertGreater(numbers["done"], 100, output)
                self.assertEqual([numbers[each] for each in ("failed", "errored", "timeout", "3xx", "4xx", "5xx")], [0] * 6, output)
                self.assertEqual((numbers["succeeded"], numbers["2xx"]), (numbers["done"],) * 2, output)

    @staticmethod
    def load(*arguments):
        return subprocess.Popen(["h2load", *arguments], stdout=subprocess.PIPE, text=True)

    def test_a_response_ends_with_the_configuration_it_began_with(self):
        client = subprocess.Popen(["curl", "-sSkN", self.server.url("/big.bin")], stdout=subprocess.PIPE)
        size = len(client.stdout.read(1000))
        self.assertEqual(self.reload(self.configuration("", root="other"))[0], 200)
        self.assertEqual(self.server.get("/big.bin").status, 404)
        size += len(client.stdout.read())
        client.stdout.close()
        self.assertEqual((client.wait(DEADLINE), size), (0, 32 << 20))


if __name__ == "__main__":
    unittest.main()
