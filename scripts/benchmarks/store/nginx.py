"""The real nginx with proxy_cache and a limit: how many bytes it has on the disk while it is flooded."""
import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import threading
import time

CONFIGURATION = """
daemon off; worker_processes 1; user {user}; pid {scratch}/pid; error_log {scratch}/error.log warn;
events {{ worker_connections 256; }}
http {{
  access_log off; keepalive_requests 1000000;
  proxy_temp_path {scratch}/proxy; client_body_temp_path {scratch}/body; fastcgi_temp_path {scratch}/fastcgi;
  uwsgi_temp_path {scratch}/uwsgi; scgi_temp_path {scratch}/scgi;
  proxy_cache_path {scratch}/cache levels=1:2 keys_zone=zone:16m max_size={limit} inactive=1d use_temp_path=off;
  server {{ listen 127.0.0.1:{origin}; root {scratch}/files; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://127.0.0.1:{origin}; proxy_cache zone; proxy_cache_valid 200 1h; proxy_cache_key $uri$is_args$args; }}
  }}
}}
"""
BODY = 31_000


def free_ports(count):
    with contextlib.ExitStack() as stack:
        return [stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _ in range(count)]


def usage(folder):
    """Bytes of all files on the disk; those that go meanwhile do not count."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(path, name)).st_blocks * 512
    return total


class Watch:
    def __init__(self, folder):
        self.folder, self.most, self.stopping = folder, 0, threading.Event()
        self.thread = threading.Thread(target=self.look)
        self.thread.start()

    def look(self):
        while not self.stopping.is_set():
            self.most = max(self.most, usage(self.folder))

    def stop(self):
        self.stopping.set()
        self.thread.join()
        return self.most


def connect(port, seconds=10):
    until = time.monotonic() + seconds
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/body?first")
            connection.getresponse().read()
            return connection
        except OSError:
            if time.monotonic() > until:
                raise SystemExit("bench: nginx did not start")
            time.sleep(0.05)


def ask(port, requests):
    connection, failed = connect(port), 0
    for number in range(requests):
        connection.request("GET", f"/body?{number}")
        response = connection.getresponse()
        failed += len(response.read()) != BODY or response.status != 200
    return failed


def flood(scratch, limit):
    """Four times the limit, each body under an address of its own: {limit, most, puts, failed}."""
    origin, port = free_ports(2)
    (scratch / "files").mkdir(parents=True)
    (scratch / "cache").mkdir()
    (scratch / "files" / "body").write_bytes(os.urandom(BODY))
    user = "root" if os.geteuid() == 0 else "nobody"   # without root it is ignored
    (scratch / "nginx.conf").write_text(CONFIGURATION.format(scratch=scratch, origin=origin, port=port, limit=limit, user=user))
    process = subprocess.Popen(["nginx", "-p", scratch, "-c", scratch / "nginx.conf"], stderr=subprocess.DEVNULL)
    try:
        connect(port).close()
        watch, requests = Watch(scratch / "cache"), 4 * limit // BODY
        try:
            failed = ask(port, requests)
        finally:
            most = watch.stop()
        return {"limit": limit, "most": most, "puts": requests, "failed": failed}
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(scratch, ignore_errors=True)
