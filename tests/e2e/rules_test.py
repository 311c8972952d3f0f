#!/usr/bin/python3
"""One file may be asked for under several paths and sites: each answer follows the rule of its own."""
import unittest

from pictures import jpeg
from selvage import Server
from server_case import ServerCase

SITE = """
[[site]]
hosts = ["{host}"]
root = "{root}/site"
[[site.rule]]
match = "/"
headers = {{ X-Rule = "{host} front" }}
[[site.rule]]
match = "/**"
headers = {{ X-Rule = "{host} all" }}
"""


class Rules(ServerCase):
    files = {"site/index.html": b"<p>text</p>" * 200, "site/cat.jpg": jpeg(80, 60)}

    @classmethod
    def start(cls):
        # One loop: what it remembers is then asked for again.
        return Server(config="[server]\nworkers = 1\n" + "".join(SITE.format(host=host, root=cls.root) for host in ("one.test", "two.test")))

    def test_each_path_and_site_has_the_headers_of_its_own_rule(self):
        for host in ("one.test", "two.test"):
            for path, which in (("/", "front"), ("/index.html", "all"), ("/cat.jpg", "all"), ("/cat.jpg?w=20", "all")):
                for _ in range(2):  # made, then remembered
                    response = self.server.get(path, "http/1.1", fields={"Host": host})
                    self.assertEqual((response.status, response["x-rule"]), (200, f"{host} {which}"), (host, path))


if __name__ == "__main__":
    unittest.main()
