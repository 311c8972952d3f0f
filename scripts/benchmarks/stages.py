"""What is measured apart from the rounds, each server by itself: memory of idle connections, and reloads under load."""
import contextlib
import re
import statistics
import subprocess
import threading
import time

from . import load, process, servers

RELOAD_EVERY = 0.9    # seconds
REQUESTS_EACH = 20    # per connection, so that there are always new ones


def idle_memory(bench, connections, names, counts, rounds, settle):
    """Count → server → KiB per connection, the median of fresh processes: a used one holds memory that it would reuse."""
    taken = {count: {name: [] for name in names} for count in counts}
    for _ in range(rounds):
        for name in names:
            for count, size in memory_of(bench, connections, name, counts, settle).items():
                taken[count][name].append(size)
    return {str(count): {name: statistics.median(sizes) for name, sizes in of.items() if None not in sizes} for count, of in taken.items()}


def memory_of(bench, connections, name, counts, settle):
    """Count → KiB per connection; None when the server did not keep them all. `settle` seconds are for what a server puts off: closing,
    freeing, collecting garbage."""
    server = servers.start(bench, name)
    port = server.https.split(":")[2]
    client = subprocess.Popen([str(connections), "idle", port], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        process.talk(client, 16)  # what the first connection makes for all
        time.sleep(settle)
        before, found = server.memory_bytes(), {}
        for count in counts:
            told = process.talk(client, count + 16)
            time.sleep(settle)
            complete = told is not None and told["failed"] == 0 and told["open"] == count + 16
            found[count] = (server.memory_bytes() - before) / count / 1024 if complete else None
            print(f"bench: {count} idle connections  {name:8} {found[count] or float('nan'):6.1f} KiB each", flush=True)
        return found
    finally:
        with contextlib.suppress(BrokenPipeError):
            client.stdin.close()
        client.wait()
        server.stop()


def reloads(bench, names, seconds):
    """Server → requests, failed, reloads: h2load opens 200 connections a second, and the server is reloaded all the while.

    A request fails when it was not answered with 200, for whatever reason; h2load neither connects nor asks a second time.
    """
    return {name: reload_under_load(bench, name, seconds) for name in names}


def reload_under_load(bench, name, seconds):
    server = servers.start(bench, name)
    connections = int(200 * seconds)
    command = ["h2load", f"--tls13-ciphers={load.CIPHER}", f"-c{connections}", "-r20", "--rate-period=100ms", "-m4",
               f"-n{connections * REQUESTS_EACH}", servers.url(server, "/10k.bin")]
    done, count = threading.Event(), 0
    try:
        client = load.run(command)
        patience = load.impatient(client, seconds)
        waiter = threading.Thread(target=lambda: (client.wait(), done.set()))
        reader = threading.Thread(target=lambda: setattr(client, "told", client.stdout.read()))
        waiter.start(), reader.start()
        while not done.wait(RELOAD_EVERY):
            server.reload()
            count += 1
        reader.join()
        patience.cancel()
    finally:
        server.stop()
    succeeded = re.search(r"status codes: (\d+) 2xx", client.told)
    requests = connections * REQUESTS_EACH
    failed = requests - (int(succeeded[1]) if succeeded else 0)
    print(f"bench: {count} reloads  {name:8} {failed} of {requests} requests failed", flush=True)
    return {"requests": requests, "failed": failed, "reloads": count}
