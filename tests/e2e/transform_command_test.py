#!/usr/bin/python3
"""`selvage transform`: the image engine on files, without a server."""
import os
import pathlib
import pty
import subprocess
import tempfile
import unittest

import pictures
from pictures import examine
from selvage import PROGRAM, SANITIZER
from server_case import write
from waiting import DEADLINE


class TransformCommand(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="selvage-transform-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def write(self, **files):
        write(self.folder, {name.replace("__", "/").replace("_", "."): content for name, content in files.items()})

    def transform(self, *words, status=0, **more):
        done = subprocess.run([PROGRAM, "transform", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder,
                              timeout=DEADLINE, **more)
        self.errors = done.stderr.decode()
        self.assertNotRegex(self.errors, SANITIZER)
        self.assertEqual(done.returncode, status, self.errors)
        return done.stdout

    def look(self, name):
        return examine((self.folder / name).read_bytes())

    def files(self):
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())

    def test_an_image_is_made_as_a_url_would_ask_for_it(self):
        self.write(cat_jpg=pictures.jpeg(800, 600))
        said = self.transform("cat.jpg", "cat.avif", "w=200&h=100&fit=cover")
        self.assertEqual(self.look("cat.avif")[:3], ("avif", 200, 100))
        self.assertRegex(said.decode(), r"^1 image made, [\d.]+ kB → [\d.]+ kB, [\d.]+ s \([\d.]+ s CPU\)\n$")
        self.assertEqual(self.transform("--quiet", "cat.jpg", "small.jpg", "?w=100"), b"")
        self.assertEqual(self.look("small.jpg")[:3], ("jpeg", 100, 75))
        self.transform("cat.jpg", "scored.webp", "w=200&q=auto:good")
        self.assertEqual(self.look("scored.webp")[:2], ("webp", 200))

    def test_the_format_is_that_of_fm_or_of_OUT_or_of_the_source(self):
        self.write(cat_jpg=pictures.jpeg(80, 60), dog_png=pictures.translucent(80, 60))
        self.transform("cat.jpg", "dog.png", "out/", "fm=webp")
        self.transform("cat.jpg", "dog.png", "out/", "w=40")
        self.transform("cat.jpg", "a.png", "")
        self.assertEqual([self.look(f"out/{name}")[0] for name in ("cat.webp", "dog.webp", "cat.jpg", "dog.png")],
                         ["webp", "webp", "jpeg", "png"])
        self.assertEqual(self.look("a.png")[:3], ("png", 80, 60))
        self.transform("cat.jpg", "a.gif", "fm=webp", status=2)
        self.assertIn("OUT ends as gif does, but fm=webp", self.errors)

    def test_many_images_go_to_a_folder_or_where_a_pattern_says(self):
        self.write(in__a_jpg=pictures.jpeg(80, 60), in__b_PNG=pictures.translucent(80, 60), in__sub__a_jpg=pictures.jpeg(90, 60),
                   in__notes_txt=b"text")
        self.transform("-r", "in", "out", "w=40&fm=webp")
        self.transform("in/*.jpg", "{dir}/{name}-small.{ext}", "w=40", "--jobs", "1")
        self.assertEqual([name for name in self.files() if not name.startswith("in/")],
                         ["a-small.jpg", "out/a.webp", "out/b.webp", "out/sub/a.webp"])
        self.transform("-r", "in", "flat/{name}.{ext}", "w=40&fm=webp", status=1)
        self.assertIn("in/sub/a.jpg: flat/a.webp is already made of in/a.jpg", self.errors)

    def test_what_is_broken_is_named_and_the_others_are_made(self):
        photo = pictures.jpeg(80, 60)
        self.write(a_jpg=photo, b_jpg=photo[:len(photo) // 3], c_jpg=b"no image", d_jpg=photo)
        said = self.transform("a.jpg", "b.jpg", "c.jpg", "d.jpg", "out", "fm=png", status=1)
        self.assertIn("2 images made, 2 not", said.decode())
        self.assertRegex(self.errors, r"(?m)^selvage: b\.jpg: undecodable")
        self.assertRegex(self.errors, r"(?m)^selvage: c\.jpg: unsupported_source")
        self.assertEqual(len(self.errors.splitlines()), 2)
        self.assertEqual(self.files(), ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "out/a.png", "out/d.png"])

    def test_what_exists_is_kept_unless_it_is_forced(self):
        self.write(a_jpg=pictures.jpeg(80, 60), b_png=b"precious")
        self.transform("a.jpg", "b.png", "w=40", status=1)
        self.assertIn("b.png exists; --force replaces it", self.errors)
        self.assertEqual((self.folder / "b.png").read_bytes(), b"precious")
        self.transform("--force", "a.jpg", "b.png", "w=40")
        self.assertEqual(self.look("b.png")[:3], ("png", 40, 30))

    def test_standard_input_and_output(self):
        photo = pictures.jpeg(80, 60)
        out = self.transform("-", "-", "w=40&fm=webp", input=photo)
        self.assertEqual(examine(out)[:3], ("webp", 40, 30))
        self.assertIn("1 image made", self.errors)
        self.transform("-", "-", "w=40", input=b"no image", status=1)
        self.assertIn("unsupported_source", self.errors)

    def test_a_parameter_that_makes_no_sense_is_named_with_its_range(self):
        self.write(a_jpg=pictures.jpeg(80, 60))
        for query, message in (("w=0", 'parameter "w": allowed is 1…8192'), ("w=40&w=50", "duplicate_param"),
                               ("width=40&wide=1", 'unknown_param: parameter "wide"'), ("q=auto:finest", '"q"')):
            self.transform("a.jpg", "out.png", query, status=2)
            self.assertIn(message, self.errors)
        self.transform("nothing.jpg", "out.png", "w=40", status=2)
        self.assertIn("there is no 'nothing.jpg'", self.errors)
        self.transform("a.jpg", "{size}/{name}.{ext}", "w=40", status=2)
        self.assertIn("{size} is none of {dir}, {name}, {ext}", self.errors)
        self.assertEqual(self.files(), ["a.jpg"])

    def test_a_terminal_sees_how_far_it_is(self):
        self.write(**{f"in__{name}_jpg": pictures.jpeg(80, 60) for name in "abc"})
        ours, theirs = pty.openpty()
        with subprocess.Popen([PROGRAM, "transform", "in", "out", "w=40"], cwd=self.folder, stderr=theirs,
                              stdout=subprocess.DEVNULL) as process:
            os.close(theirs)
            text = b""
            try:
                while chunk := os.read(ours, 4096):
                    text += chunk
            except OSError:  # the terminal is gone with its last user
                pass
            self.assertEqual(process.wait(DEADLINE), 0)
        os.close(ours)
        self.assertRegex(text.decode(), r"\d of 3, [\d.]+/s, .+ → .+ left")


if __name__ == "__main__":
    unittest.main()
