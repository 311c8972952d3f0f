#!/usr/bin/python3
"""How it begins: ports, certificates, and what is said about them."""
import socket
import subprocess
import tempfile
import unittest

from messages import read_all
from selvage import PROGRAM, Server
from server_case import write
from waiting import DEADLINE


class Starting(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="selvage-start-")
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name
        write(self.folder, {"root/index.html": b"<p>home</p>" * 200})

    def assert_refused(self, port, scheme="http"):
        """A server on this port says that it is in use and ends; one that listens is a failure at once, not at a deadline."""
        process = subprocess.Popen([PROGRAM, "serve", f"{self.folder}/root", "--listen", f"{scheme}://127.0.0.1:{port}",
                                    "--cache", f"{self.folder}/cache2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    text=True)
        try:
            line = process.stdout.readline()  # says that it listens, or ends
            if line:
                process.terminate()
            errors = process.communicate(timeout=DEADLINE)[1]
        finally:
            process.kill()
            process.wait()
        self.assertEqual((line, process.returncode), ("", 1), "two programs share the port")
        self.assertIn(str(port), errors)
        self.assertIn("in use", errors)

    def test_port_0_is_chosen_and_printed(self):
        with Server(f"{self.folder}/root") as server:
            self.assertEqual(len(server.announced), 3)
            self.assertTrue(all(port > 0 for port in server.ports.values()))
            self.assertRegex(server.log(), "ready")

    def test_a_port_in_use_by_anything_is_an_error_that_names_it(self):
        for options in ((), (socket.SO_REUSEADDR,), (socket.SO_REUSEPORT,)):
            for address in ("127.0.0.1", "0.0.0.0"):
                with self.subTest(options=options, address=address), socket.socket() as taken:
                    for option in options:
                        taken.setsockopt(socket.SOL_SOCKET, option, 1)
                    taken.bind((address, 0))
                    taken.listen()
                    self.assert_refused(taken.getsockname()[1])

    def test_a_port_of_another_selvage_is_in_use_too(self):
        with Server(f"{self.folder}/root") as server:
            for scheme in ("http", "https"):
                self.assert_refused(server.ports[scheme], scheme)
            self.assertEqual(server.get("/").status, 200)

    def test_a_port_is_free_again_after_the_end(self):  # connections in TIME_WAIT do not hold it
        with Server(f"{self.folder}/root") as server, server.connect() as connection:
            port = server.ports["http"]
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            read_all(connection)
        process = subprocess.Popen([PROGRAM, "serve", f"{self.folder}/root", "--listen", f"http://127.0.0.1:{port}",
                                    "--cache", f"{self.folder}/cache2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    text=True)
        self.assertIn(str(port), process.stdout.readline())
        process.terminate()
        process.communicate(timeout=DEADLINE)
        self.assertEqual(process.returncode, 0)

    def test_the_development_certificate_is_made_once_and_kept(self):
        def served():
            with Server(f"{self.folder}/root", cache=f"{self.folder}/cache") as server, server.connect(tls=True) as connection:
                return connection.getpeercert(binary_form=True)
        self.assertEqual(served(), served())


if __name__ == "__main__":
    unittest.main()
