"""What the servers serve (but for the mix: assets.py), their certificate, and the programs that are measured with."""
import os
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
SIZES = {"1 KB": 1 << 10, "10 KB": 10 << 10, "100 KB": 100 << 10, "1 MB": 1 << 20}
PATHS = {"1 KB": "/1k.bin", "10 KB": "/10k.bin", "100 KB": "/100k.bin", "1 MB": "/1m.bin"}


def write_sizes(folder):
    """Random bytes: nothing to compress, and nothing that a server could share between them."""
    for name, size in SIZES.items():
        (folder / PATHS[name].lstrip("/")).write_bytes(os.urandom(size))


def write_many(folder, count):
    """So many files of 1 KB in folders of 1000; their paths."""
    paths = [f"/many/{number // 1000}/{number}.bin" for number in range(count)]
    for path in paths:
        file = folder / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(os.urandom(1 << 10))
    return paths


def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)


def compile_program(name, folder):
    """The C++ programs beside this file; made again when their source is newer."""
    source, program = HERE / f"{name}.cc", folder / name
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        print(f"bench: compiling {source.name}", flush=True)
        subprocess.run(["g++", "-std=c++23", "-O2", source, "-o", program, "-lssl", "-lcrypto"], check=True)
    return program
