"""What the numbers were taken on."""
import datetime
import os
import pathlib
import platform
import re
import ssl
import subprocess
import time


def describe():
    processors = pathlib.Path("/proc/cpuinfo").read_text()
    cpu = re.search(r"model name\s*: (.*)", processors)
    system = re.search(r'PRETTY_NAME="(.*)"', pathlib.Path("/etc/os-release").read_text())
    return {
        "cpu": cpu[1] if cpu else platform.machine(), "cores": os.cpu_count(), "kernel": platform.release(), "virtual": " hypervisor" in processors,
        "system": system[1] if system else "", "openssl": ssl.OPENSSL_VERSION, "date": datetime.date.today().isoformat(),
        "h2load": version(["h2load", "--version"]), "wrk": version(["wrk", "--version"]),
    }


def version(command):
    ran = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"\d+\.\d+(\.\d+)?", ran.stdout + ran.stderr)
    return found[0] if found else "?"


def busy():
    """What the machine does besides us, when it is not idle: a note for the page."""
    clocks = lambda: [int(field) for field in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    before = clocks()
    time.sleep(1)
    spent = [now - then for now, then in zip(clocks(), before)]
    share = 1 - (spent[3] + spent[4]) / sum(spent)   # idle and waiting for the disk
    return [f"other work took {share:.0%} of the machine: all times are preliminary, bytes and quality are not"] if share > 0.1 else []
