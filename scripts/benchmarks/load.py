"""One run of a load generator against one server. All give a Sample; a run in which any response failed gives an Unfit instead."""
import dataclasses
import json
import pathlib
import re
import subprocess
import threading

from .process import Stopwatch

CIPHER = "TLS_AES_128_GCM_SHA256"
FRAME, FRAME_HEAD = 16384, 9
MANY_LINES = 50_000
PATIENCE = 8  # seconds that a run may take beyond its own
UNITS = {"us": 1, "ms": 1e3, "s": 1e6, "m": 6e7}


@dataclasses.dataclass
class Sample:
    rate: float   # requests per second
    cpu: float    # server CPU, µs per request
    p50: float    # µs
    p99: float    # µs


class Unfit(Exception):
    """What went wrong in a run whose numbers must not count."""


def follow(process, watched, begin, end, seconds, before=0.0):
    """The program's output, and the CPU seconds that `watched` used in the `seconds` between its lines `begin` and `end`."""
    lines, stopwatch, took, used = [], None, 0.0, 0.0
    patience = impatient(process, before + seconds)
    for line in process.stdout:
        lines.append(line)
        if begin in line:
            stopwatch = Stopwatch(watched)
        elif end in line:
            took, used = stopwatch.read()
    patience.cancel()
    if process.wait() != 0:
        raise Unfit("".join(lines)[-400:])
    if took < 0.8 * seconds:
        raise Unfit(f"this program woke up late: {took:.3f} s of {seconds} s were seen")
    return "".join(lines), used * seconds / took


def impatient(process, seconds):
    """Ends the program when it does not come to an end: h2load waits for ever for a connection that gets no answer."""
    timer = threading.Timer(seconds + PATIENCE, process.kill)
    timer.start()
    return timer


def run(command):
    return subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def h2load(server, target, seconds, warm_up, connections, streams, size=None, http1=False, fields=(), pace=None):
    """`target` is a URL or a file of URLs. With `size`, the mean length of a body, responses that were under way when the time
    began or ended count by the bytes that went over: with few large responses whole ones are too coarse. `pace`: requests per second
    of each connection, instead of as many as it can ask."""
    log = pathlib.Path(server.log.name).with_name("h2load.log")
    log.unlink(missing_ok=True)
    command = ["h2load", f"--tls13-ciphers={CIPHER}", f"-c{connections}", f"-m{streams}", f"--warm-up-time={warm_up * 1000:.0f}ms",
               f"-D{seconds * 1000:.0f}ms", f"--log-file={log}", *(["--h1"] if http1 else []), *([f"--rps={pace}"] if pace else []),
               *(f"-H{field}" for field in fields)]
    command += [f"--input-file={target}"] if isinstance(target, pathlib.Path) else [target]
    output, cpu = follow(run(command), server, "Main benchmark duration is started", "Main benchmark duration is over",
                         seconds, warm_up)
    counts = re.search(r"(\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored", output)
    codes = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", output)
    moved = re.search(r"traffic: \S+ \((\d+)\) total", output)
    tls = re.search(r"Cipher: (\S+)", output)
    if not (counts and codes and moved) or int(counts[3]) or int(counts[4]) or any(int(code) for code in codes.groups()[1:]):
        raise Unfit(output[-600:])
    if tls and tls[1] != CIPHER:
        raise Unfit(f"cipher {tls[1]}")
    done = int(moved[1]) / (size + FRAME_HEAD * (1 + size // FRAME)) if size else int(counts[2])
    if done < 1:
        raise Unfit("no response in time")
    return Sample(done / seconds, cpu / done * 1e6, *percentiles(latencies(log)))


def latencies(log):
    """µs of each response; of many a regular part."""
    lines = log.read_bytes().splitlines()
    return [int(line.rsplit(b"\t", 1)[1]) for line in lines[::len(lines) // MANY_LINES + 1]]


def percentiles(values):
    ordered = sorted(values)
    if not ordered:
        return float("nan"), float("nan")
    return float(ordered[len(ordered) // 2]), float(ordered[len(ordered) * 99 // 100])


def wrk(server, target, seconds, connections):
    """HTTP/1.1. wrk has no mark where it begins: connecting counts, which without TLS is nothing. Whole seconds only."""
    stopwatch = Stopwatch(server)
    process = run(["wrk", "--latency", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", target])
    patience = impatient(process, seconds)
    output = process.communicate()[0]
    patience.cancel()
    _, cpu = stopwatch.read()
    done, rate = re.search(r"(\d+) requests in", output), re.search(r"Requests/sec:\s+([\d.]+)", output)
    if process.returncode != 0 or not done or "Non-2xx" in output or "Socket errors" in output:
        raise Unfit(output[-600:])
    times = [float(number) * UNITS[unit] for number, unit in re.findall(r"^\s+(?:50|99)%\s+([\d.]+)(us|ms|s|m)$", output, re.MULTILINE)]
    return Sample(float(rate[1]), cpu / int(done[1]) * 1e6, *times)


def handshakes(server, program, port, seconds, kind):
    """`kind`: full or resumed; the rate counts handshakes."""
    output, cpu = follow(run([program, "handshakes", port, kind, seconds]), server, "begin", "end", seconds)
    told = json.loads(output.splitlines()[-1])
    cpu *= told["seconds"] / seconds
    if told["failed"]:
        raise Unfit(f"{told['failed']} of {told['handshakes']} handshakes failed (or were not resumed)")
    return Sample(told["handshakes"] / told["seconds"], cpu / told["handshakes"] * 1e6, told["p50"], told["p99"])
