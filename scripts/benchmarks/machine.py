"""What the numbers were taken on."""
import datetime
import os
import pathlib
import platform
import re
import ssl
import subprocess


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
