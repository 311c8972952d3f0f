"""A started server: its processes, the CPU time that they used, their memory."""
import json
import pathlib
import signal
import ssl
import subprocess
import time
import urllib.request

ANYBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ANYBODY.check_hostname, ANYBODY.verify_mode = False, ssl.CERT_NONE


def on_cores(cores, command):
    return ["taskset", "-c", ",".join(str(core) for core in cores), *(str(part) for part in command)]


def fetch(url, fields=None):
    """(status, header fields, body), without asking who signed the certificate."""
    with urllib.request.urlopen(urllib.request.Request(url, headers=fields or {}), timeout=30, context=ANYBODY) as response:
        return response.status, response.headers, response.read()


class Server:
    """Runs from construction to stop()."""

    def __init__(self, name, command, cores, https, http, log):
        self.name, self.https, self.http, self.log = name, https, http, log
        self.process = subprocess.Popen(on_cores(cores, command), stdout=log, stderr=log)

    def wait_for(self, url, seconds=30, fields=None):
        until = time.monotonic() + seconds
        while True:
            try:
                return fetch(url, fields)
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > until:
                    self.stop()
                    raise SystemExit(f"bench: {self.name} did not start ({error}); see {self.log.name}")
                time.sleep(0.05)

    def processes(self):
        """All that descend from the one that was started. Reads only their own entries: the whole of /proc takes 10 ms."""
        found, waiting = [], [self.process.pid]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
                waiting += [int(child) for child in read(children).split()]
        return found

    def cpu_seconds(self):
        """User and system time of all processes, threads that have ended included (/proc/PID/task knows only those that live)."""
        return sum(cpu_clock(pid) for pid in self.processes())

    def memory_bytes(self):
        """Proportional set size: what several processes share is counted once."""
        rollups = (read(pathlib.Path(f"/proc/{pid}/smaps_rollup")) for pid in self.processes())
        return sum(int(line.split()[1]) for rollup in rollups for line in rollup.splitlines() if line.startswith("Pss:")) * 1024

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            for pid in self.processes():
                subprocess.run(["kill", "-9", str(pid)], check=False)
            self.process.wait()


class Stopwatch:
    """Time and CPU of a server between two moments."""

    def __init__(self, server):
        self.server, self.started, self.cpu = server, time.monotonic(), server.cpu_seconds()

    def read(self):
        """(seconds, CPU seconds) since it was made."""
        return time.monotonic() - self.started, self.server.cpu_seconds() - self.cpu


def cpu_clock(pid):
    """Seconds of the CPU clock of a process (clock_getcpuclockid(3)): to the nanosecond, where /proc/PID/stat counts in ticks of 10 ms."""
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        return 0.0  # ended meanwhile


def read(path):
    """Empty when it has gone meanwhile."""
    try:
        return path.read_text()
    except OSError:
        return ""


def talk(process, line):
    """Sends one line to a program and reads the JSON that it answers with; None when it has ended instead."""
    try:
        process.stdin.write(f"{line}\n")
        process.stdin.flush()
    except BrokenPipeError:
        return None
    answer = process.stdout.readline()
    return json.loads(answer) if answer else None
