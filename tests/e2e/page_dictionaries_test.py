#!/usr/bin/python3
"""Pages as differences (RFC 9842): to a dictionary made of the site's pages (site.dictionary), and to one another (site.page_deltas).
Over TLS with real clients: curl asks, zstd decodes."""
import hashlib
import pathlib
import random
import re
import string
import tempfile
import unittest

from dcz import CHROMIUM, VARY, available, decoded
from selvage import Server
from server_case import write
from waiting import until

letters = random.Random(5)
WORDS = ["".join(letters.choices(string.ascii_lowercase, k=letters.randrange(3, 9))) for _ in range(300)]
MENU = "".join(f'<li class="entry level-{i % 3}"><a href="/docs/chapter-{i}.html">Chapter {i}: what there is to say of it</a></li>\n'
               for i in range(60))


def page(number, secret=""):
    text = " ".join(random.Random(number).choices(WORDS, k=200))
    return f"<!doctype html><title>{number}</title><nav>{MENU}</nav><p>{text}</p><p>{secret}</p><footer>The end.</footer>\n".encode()


class PageDictionaries(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="selvage-root-")
        self.addCleanup(self.temporary.cleanup)
        self.root = pathlib.Path(self.temporary.name)
        self.cache = tempfile.TemporaryDirectory(prefix="selvage-cache-")
        self.addCleanup(self.cache.cleanup)
        self.pages = {f"docs/chapter-{number}.html": page(number) for number in range(30)}
        write(self.root, {**self.pages, "docs/picture.svg": b"<svg>" + page(99) + b"</svg>"})
        self.server = None
        self.addCleanup(self.stop)

    def start(self, settings, rules=""):
        self.stop()
        self.server = Server(config=f'[[site]]\nhosts = ["*"]\nroot = "{self.root}"\n{settings}\n{rules}', cache=self.cache.name)

    def stop(self):
        if self.server:
            server, self.server = self.server, None
            server.stop()

    def ask(self, path, dictionary=None, protocol="h2", fields=None):
        fields = {"Accept-Encoding": CHROMIUM, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none", **(fields or {})}
        if dictionary is not None:
            fields["Available-Dictionary"] = available(dictionary)
        return self.server.get(path, protocol, fields=fields)

    def difference(self, path, dictionary):
        """Until the server knows what the page takes without one, it may be cautious."""
        def coded():
            answer = self.ask(path, dictionary)
            return answer if answer["content-encoding"] == "dcz" else None
        return until("it comes as a difference", coded)

    def dictionary(self, path="/docs/chapter-1.html"):
        """Path and bytes of the one that the page names, once it is made."""
        link = until("it is made", lambda: self.ask(path)["link"])
        place = re.fullmatch(r'<(/\.well-known/selvage/pages-[0-9a-f]{16}\.dict)>; rel="compression-dictionary"', link)[1]
        return place, self.server.get(place, "h2", fields={"Accept-Encoding": "identity"}).body

    def test_a_dictionary_of_the_site(self):
        self.start("dictionary = true")
        place, dictionary = self.dictionary()
        with self.subTest("is fetched once"):
            answer = self.ask(place)
            self.assertEqual(answer["cache-control"], "public, max-age=31536000, immutable")
            self.assertEqual(answer["use-as-dictionary"],
                             f'match="/*", match-dest=("document"), id="{hashlib.sha256(dictionary).hexdigest()[:16]}"')
            self.assertIn(hashlib.sha256(dictionary).hexdigest()[:16], place)
        plain = self.server.get("/docs/chapter-2.html", "h2", fields={"Accept-Encoding": "br, zstd"})
        answer = self.difference("/docs/chapter-2.html", dictionary)
        with self.subTest("then pages come as what they alone have"):
            self.assertEqual(answer["content-encoding"], "dcz")
            self.assertEqual(decoded(answer.body, dictionary), self.pages["docs/chapter-2.html"])
            self.assertLess(len(answer.body), 0.8 * len(plain.body))
            self.assertEqual(answer["vary"], VARY)
        with self.subTest("and are asked for each time, as ever"):
            self.assertEqual(answer["cache-control"], "public, max-age=0, must-revalidate")
            self.assertFalse(answer["use-as-dictionary"])
            again = self.ask("/docs/chapter-2.html", dictionary, fields={"If-None-Match": answer["etag"]})
            self.assertEqual(again.status, 304)
        with self.subTest("who has it is not told of it"):
            self.assertFalse(answer["link"])
            self.assertTrue(self.ask("/docs/chapter-2.html", b"another one")["link"])
        with self.subTest("nothing of it without TLS"):
            answer = self.ask("/docs/chapter-2.html", dictionary, protocol="http/1.1")
            self.assertEqual((answer["content-encoding"] == "dcz", answer["link"], answer["vary"]), (False, None, "Accept-Encoding"))
        with self.subTest("only pages name it"):
            self.assertFalse(self.ask("/docs/picture.svg")["link"])

    def test_it_stays_what_it_is(self):
        self.start("dictionary = true")
        place, dictionary = self.dictionary()
        with self.subTest("when a page changes, the same day"):
            write(self.root, {"docs/chapter-3.html": page(3000)})
            until("the page is the new one", lambda: self.ask("/docs/chapter-3.html", dictionary)["content-encoding"] == "dcz" and
                  decoded(self.ask("/docs/chapter-3.html", dictionary).body, dictionary) == page(3000))
            self.assertEqual(self.dictionary(), (place, dictionary))
        with self.subTest("over a restart"):
            self.start("dictionary = true")
            self.assertEqual(self.dictionary(), (place, dictionary))
        with self.subTest("for who has it, when the site does not want it any more"):
            self.start("dictionary = false")
            until("it is gone from the pages", lambda: not self.ask("/docs/chapter-2.html")["link"])
            self.assertEqual(self.ask(place).status, 200)
            self.assertNotEqual(self.ask("/docs/chapter-2.html", dictionary)["content-encoding"], "dcz")

    def test_pages_as_differences_to_one_another(self):
        self.start('page_deltas = "5m"')
        until("it is indexed", lambda: self.ask("/docs/chapter-1.html")["use-as-dictionary"])
        first = self.ask("/docs/chapter-1.html")
        self.assertIn('match="/docs/*", match-dest=("document")', first["use-as-dictionary"])
        self.assertEqual(first["cache-control"], "public, max-age=300, must-revalidate")
        self.assertFalse(first["link"])
        before = self.pages["docs/chapter-1.html"]
        answer = self.difference("/docs/chapter-2.html", before)
        self.assertEqual(decoded(answer.body, before), self.pages["docs/chapter-2.html"])
        with self.subTest("also to what a page was a moment ago"):
            write(self.root, {"docs/chapter-1.html": page(1000)})
            until("the new one is offered", lambda: hashlib.sha256(page(1000)).hexdigest()[:16] in
                  (self.ask("/docs/chapter-1.html")["use-as-dictionary"] or ""))
            answer = self.difference("/docs/chapter-1.html", before)
            self.assertEqual(decoded(answer.body, before), page(1000))

    def test_what_is_not_for_everybody_stays_out(self):
        secret = "".join(random.Random(77).choices(string.ascii_letters, k=2_000))
        write(self.root, {f"mine/page-{number}.html": page(number, secret) for number in range(30)})
        rules = ('[[site.rule]]\nmatch = "/mine/**"\nheaders = {"Cache-Control" = "private, max-age=600"}\n')
        self.start('dictionary = true\npage_deltas = "5m"', rules)
        _, dictionary = self.dictionary()
        self.assertNotIn(secret[:40].encode(), dictionary)
        for known in (None, dictionary):
            answer = self.ask("/mine/page-1.html", known)
            self.assertEqual((answer["link"], answer["use-as-dictionary"], answer["vary"]), (None, None, "Accept-Encoding"))
            self.assertNotEqual(answer["content-encoding"], "dcz")
        self.assertNotEqual(self.ask("/docs/chapter-2.html", page(1, secret))["content-encoding"], "dcz")

    def test_who_does_not_ask_for_it_notices_nothing(self):
        self.start("")
        answer = self.ask("/docs/chapter-1.html", self.pages["docs/chapter-2.html"])
        self.assertEqual((answer["link"], answer["use-as-dictionary"], answer["vary"]), (None, None, "Accept-Encoding"))
        self.assertNotEqual(answer["content-encoding"], "dcz")
        self.assertEqual(answer["cache-control"], "public, max-age=0, must-revalidate")

    def test_too_few_pages_make_none(self):
        for number in range(5, 30):
            (self.root / f"docs/chapter-{number}.html").unlink()
        self.start('dictionary = true\npage_deltas = "5m"')
        until("pages serve one another then", lambda: self.ask("/docs/chapter-1.html")["use-as-dictionary"])
        self.assertFalse(self.ask("/docs/chapter-1.html")["link"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
