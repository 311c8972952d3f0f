"""Dictionary-Compressed Zstandard as clients see it (RFC 9842 §2, §5)."""
import base64
import hashlib
import pathlib
import subprocess
import tempfile

CHROMIUM = "gzip, deflate, br, zstd, dcb, dcz"  # what it accepts once it has a dictionary
HEADER = bytes.fromhex("5e2a4d1820000000")
VARY = "Accept-Encoding, Available-Dictionary"


def available(content):
    return ":" + base64.b64encode(hashlib.sha256(content).digest()).decode() + ":"


def decoded(body, dictionary):
    """By Debian's zstd, from the frame behind the header."""
    with tempfile.TemporaryDirectory(prefix="selvage-dcz-") as folder:
        folder = pathlib.Path(folder)
        (folder / "old").write_bytes(dictionary)
        (folder / "delta.zst").write_bytes(body[40:])
        subprocess.run(["zstd", "-q", "-d", f"--patch-from={folder / 'old'}", str(folder / "delta.zst"), "-o", str(folder / "new")],
                       check=True, timeout=60)
        return (folder / "new").read_bytes()
