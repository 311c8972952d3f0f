#!/usr/bin/python3
"""Certificates and sessions of TLS while the server goes on."""
import pathlib
import re
import ssl
import subprocess
import unittest

from reload_test import make_certificate
from selvage import Server
from server_case import ServerCase
from waiting import DEADLINE


class Certificates(ServerCase):
    files = {"site/index.html": b"<p>hello</p>"}

    @classmethod
    def start(cls):
        make_certificate(cls.root, "first")
        tls = f'[tls]\ncertificate = "{cls.root}/cert.pem"\nkey = "{cls.root}/key.pem"\n'
        return Server(config=f'{tls}[[site]]\nroot = "{cls.root}/site"\n')

    def served(self):
        return ssl.get_server_certificate(("127.0.0.1", self.server.ports["https"]), timeout=DEADLINE).strip()

    def on_disk(self):
        return (self.root / "cert.pem").read_text().strip()

    def reload(self):
        return self.server.admin("/reload", "POST")

    def test_connections_from_before_go_on_while_new_ones_see_the_new_certificate(self):
        connections = [self.server.connect(tls=True, alpn=["http/1.1"]) for _ in range(3)]
        old = self.on_disk()
        for number in range(3):
            make_certificate(self.root, f"next-{number}")
            self.assertEqual(self.reload().status, 200)
            self.assertEqual(self.served(), self.on_disk())
            self.assertNotEqual(self.served(), old)
            for connection in connections:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                self.assertTrue(connection.recv(1000).startswith(b"HTTP/1.1 200"))
                self.assertEqual(ssl.DER_cert_to_PEM_cert(connection.getpeercert(True)).strip(), old)
        for connection in connections:
            connection.close()

    def test_a_bad_certificate_leaves_the_old_one_and_is_named(self):
        good = (self.root / "cert.pem").read_bytes()
        (self.root / "cert.pem").write_bytes(good[:-200])
        answer = self.reload()
        self.assertEqual(answer.status, 422)
        self.assertIn(str(self.root / "cert.pem"), answer.body.decode())
        self.assertIn(str(self.root / "cert.pem"), self.server.log())
        self.assertEqual(self.served(), good.decode().strip())
        (self.root / "cert.pem").write_bytes(good)
        self.assertEqual(self.reload().status, 200)

    def s_client(self, *arguments):
        return subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.server.ports['https']}", *arguments],
                              input=b"GET / HTTP/1.0\r\n\r\n", capture_output=True, timeout=DEADLINE).stdout.decode(errors="replace")

    def test_sessions_are_resumed_also_after_a_reload(self):  # RFC 8446 §2.2, RFC 5077
        for version in ("-tls1_2", "-tls1_3"):
            session = str(pathlib.Path(self.root) / f"session{version}")
            first = self.s_client(version, "-ign_eof", "-sess_out", session)
            self.assertIn("New, TLSv", first)
            self.assertEqual(self.reload().status, 200)
            again = self.s_client(version, "-ign_eof", "-sess_in", session)
            self.assertIn("Reused, TLSv", again, version)
            self.assertIn("<p>hello</p>", again)
            self.assertEqual(set(re.findall(r"ticket lifetime hint: (\d+)", again)) - {"43200"}, set())

    def test_nothing_is_answered_before_the_handshake_is_over(self):  # RFC 8446 §8: early data can be sent twice
        session = str(pathlib.Path(self.root) / "session")
        self.s_client("-tls1_3", "-ign_eof", "-sess_out", session)
        early = pathlib.Path(self.root) / "early"
        early.write_bytes(b"GET /early HTTP/1.1\r\nHost: a\r\n\r\n")
        said = self.s_client("-tls1_3", "-ign_eof", "-sess_in", session, "-early_data", str(early))
        self.assertNotIn("Early data was accepted", said)

    def test_renegotiation_is_refused(self):  # RFC 9113 §9.2.1; s_client renegotiates at a line "R"
        done = subprocess.run(["openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{self.server.ports['https']}"],
                              input=b"R\n", capture_output=True, timeout=DEADLINE)
        self.assertIn(b"RENEGOTIATING", done.stdout + done.stderr)
        self.assertIn(b"no renegotiation", done.stdout + done.stderr)
        self.assertEqual(self.server.get("/").status, 200)


if __name__ == "__main__":
    unittest.main()
