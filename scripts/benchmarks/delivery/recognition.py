"""The recognition of hashed names, which is measured by a program of its own (fingerprints.py), since it needs the network: its numbers for
the page."""
import json
import subprocess

from . import fingerprints


def measure(program, cache, file):
    """Leaves them in the file; none when this build cannot be asked."""
    file.unlink(missing_ok=True)
    print("bench: recognising names in builds of many tools, and in ordinary files", flush=True)
    try:
        file.write_text(json.dumps(fingerprints.measure(program, cache), indent=1))
    except subprocess.CalledProcessError as error:
        print(f"bench: names were not looked at: {' '.join(map(str, error.cmd[:3]))}: {error.stderr}", flush=True)


def read(file):
    """None when it was not measured."""
    return json.loads(file.read_text()) if file.exists() else None
