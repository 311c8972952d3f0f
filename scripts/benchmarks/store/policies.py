"""Miss ratios of our policies beside references, and what a hit and a put cost: builds policies/ and runs it."""
import json
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
SOURCES = [*sorted((HERE / "policies").glob("*.cc")), *sorted((ROOT / "cache_store" / "memory").glob("*.cc")),
           ROOT / "cache_store" / "disk" / "admission.cc", ROOT / "base" / "bytes.cc"]


def compile_policies(folder):
    """The program; made again when anything it is made of is newer."""
    program = folder / "policies"
    headers = [*(HERE / "policies").glob("*.h"), *(ROOT / "cache_store").rglob("*.h"), *(ROOT / "base").glob("*.h")]
    if not program.exists() or program.stat().st_mtime < max(file.stat().st_mtime for file in [*SOURCES, *headers]):
        print("bench: compiling policies", flush=True)
        subprocess.run(["g++", "-std=gnu++23", "-O2", "-fno-omit-frame-pointer", f"-I{ROOT}", f"-I{HERE / 'policies'}", *SOURCES,
                        "-o", program, "-pthread"], check=True)
    return program


def replay_generated(program, requests=2_000_000):
    """The generator's requests, and the times of the memory tier: policies/main.cc says what is in it."""
    return json.loads(subprocess.run([program, "--requests", str(requests)], check=True, capture_output=True).stdout)


def replay_trace(program, trace):
    """A trace of 24-byte records, compressed by zstd."""
    with subprocess.Popen(["zstd", "-dcq", trace], stdout=subprocess.PIPE) as records:
        answer = subprocess.run([program, "--trace", "-"], stdin=records.stdout, check=True, capture_output=True)
    return json.loads(answer.stdout)
