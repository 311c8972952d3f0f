#!/usr/bin/python3
"""What the command line says before anything is served: `check`, its mistakes, and its own."""
import re
import subprocess
import tempfile
import unittest

from selvage import PROGRAM
from waiting import DEADLINE

def run(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=DEADLINE)


class CommandLine(unittest.TestCase):
    def check(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write(text)
            file.flush()
            return file.name, run("check", file.name)

    def test_check_prints_every_mistake_with_its_place_and_a_suggestion(self):
        name, done = self.check('[server]\nlisten = "nowhere"\nworkrs = 3\n'
                                '[cache]\nmemory = "lots"\n[[site]]\nroot = "/"\n[[site.rule]]\nmatch = 7\n')
        self.assertEqual(done.returncode, 1)
        found = re.findall(rf"^{re.escape(name)}:(\d+):(\d+): ", done.stdout, re.M)
        places = [(int(line), int(column)) for line, column in found]
        self.assertEqual([line for line, _ in sorted(places)], [2, 3, 5, 9], done.stdout)
        self.assertIn("workers", done.stdout)

    def test_check_of_a_good_file_says_so(self):
        done = self.check('[[site]]\nroot = "/"\n')[1]
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("no mistakes", done.stdout)

    def test_check_of_a_missing_or_broken_file_exits_with_1(self):
        done = run("check", "/nowhere/selvage.toml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nowhere/selvage.toml", done.stdout + done.stderr)
        self.assertEqual(self.check("a = = 1\n")[1].returncode, 1)

    def test_a_mistake_on_the_command_line_is_told_and_nothing_is_started(self):
        for arguments, word in (
                ((), "subcommand"), (("serve",), "nothing to serve"), (("serve", "/nowhere"), "/nowhere"),
                (("serve", "/", "--listen", "ftp://a"), "--listen"),
                (("serve", "/", "--listen", "http://127.0.0.1:70000"), "--listen"),
                (("serve", "/", "--admin", "elsewhere"), "--admin"),
                (("serve", "/", "--workers", "many"), "--workers"), (("serve", "/", "--log-level", "loud"), "--log-level"),
                (("serve", "--config", "/nowhere.toml"), "/nowhere.toml"), (("serve", "/", "--unknown"), "--unknown"),
                (("fly",), "subcommand")):
            done = run(*arguments)
            self.assertNotEqual(done.returncode, 0, arguments)
            self.assertIn(word, done.stderr + done.stdout, arguments)
            self.assertNotIn("listening", done.stdout)

    def test_version_and_help_are_there(self):
        self.assertRegex(run("version").stdout, r"^selvage \d+\.\d+\.\d+")
        self.assertIn("serve", run("--help").stdout)


if __name__ == "__main__":
    unittest.main()
