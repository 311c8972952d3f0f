"""What tests of compression dictionaries in Chromium share: a certificate authority that it trusts, as nothing that is excused is kept as a
dictionary; and a look at what it keeps."""
import sqlite3
import subprocess


class Authority:
    """A CA, a certificate of it for 127.0.0.1, and a HOME whose browsers trust it."""

    def __init__(self, folder):
        self.ca, self.key, self.certificate = folder / "ca.crt", folder / "server.key", folder / "server.crt"
        self.home = folder / "home"
        database = self.home / ".pki" / "nssdb"
        database.mkdir(parents=True)
        self.make_certificates(folder)
        self.run("certutil", "-d", f"sql:{database}", "-N", "--empty-password")
        self.run("certutil", "-d", f"sql:{database}", "-A", "-t", "C,,", "-n", "selvage test", "-i", self.ca)

    def make_certificates(self, folder):
        ca_key, request, extensions = folder / "ca.key", folder / "server.csr", folder / "server.ext"
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        self.run("openssl", "req", "-x509", *curve, "-keyout", ca_key, "-out", self.ca, "-days", "2", "-subj", "/CN=Selvage test CA",
                 "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
        self.run("openssl", "req", *curve, "-keyout", self.key, "-out", request, "-subj", "/CN=127.0.0.1")
        extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n")
        self.run("openssl", "x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", ca_key, "-CAcreateserial", "-out",
                 self.certificate, "-days", "2", "-extfile", extensions)

    @staticmethod
    def run(*command):
        subprocess.run([str(word) for word in command], check=True, capture_output=True, timeout=60)


def kept_dictionaries(profile):
    """SHA-256 of each dictionary that the browser has written down, behind the pages' back."""
    hashes = set()
    for database in profile.glob("**/Shared Dictionary/db"):
        try:
            with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=1) as connection:
                hashes |= {bytes(row[0]) for row in connection.execute("SELECT sha256 FROM dictionaries")}
        except sqlite3.Error:
            continue
    return hashes
