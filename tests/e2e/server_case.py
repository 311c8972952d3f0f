"""Tests that share one server, and the folder that it serves."""
import pathlib
import tempfile
import unittest

from selvage import Server


def write(root, files):
    """Makes files of a tree: {"a/b.txt": bytes}."""
    for name, content in files.items():
        path = pathlib.Path(root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


class ServerCase(unittest.TestCase):
    """Tests that share one server: `files` is its folder, `settings` what a configuration adds, `prepare` what it makes."""

    files = {}
    arguments = ()

    @classmethod
    def prepare(cls):
        pass

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="selvage-root-")
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.root = pathlib.Path(cls.temporary.name)
        write(cls.root, cls.files)
        cls.prepare()
        cls.server = cls.start()
        cls.addClassCleanup(lambda: cls.server.stop())

    @classmethod
    def start(cls):
        return Server(cls.root, arguments=cls.arguments)
