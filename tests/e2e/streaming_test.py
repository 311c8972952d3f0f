#!/usr/bin/python3
"""What is still being made is sent as it grows: the fast coding of a large text, to whoever asks for it meanwhile."""
import gzip
import hashlib
import random
import socket
import threading
import unittest

from coded import ask
from messages import parse_head
from server_case import ServerCase
from waiting import until

# Large enough that to make its coding takes a fraction of a second; what is made of more than 8 MB in the background is made quickly.
SIZE = 9_000_000


def text(seed):
    numbers = random.Random(seed)
    block = "".join(f"{{\"id\": {numbers.randrange(10 ** 9)}, \"name\": \"part {numbers.randrange(1000)}\"}},\n" for _ in range(20_000))
    return (block * (SIZE // len(block) + 1))[:SIZE].encode()


def digest(content):
    return hashlib.sha256(content).hexdigest()


class Growing:
    """A request over HTTP/1.1 whose answer is read in steps."""

    def __init__(self, server, path, coding="gzip", window=None):
        self.connection = socket.socket()
        if window:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.connection.settimeout(30)
        self.connection.connect(("127.0.0.1", server.ports["http"]))
        self.connection.sendall(f"GET {path} HTTP/1.1\r\nhost: a\r\naccept-encoding: {coding}\r\n\r\n".encode())
        self.stream = self.connection.makefile("rb")
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.stream.readline()
        self.status, self.fields = parse_head(head.strip())
        self.fields = dict(self.fields)
        self.chunks = []

    def read_chunk(self):
        """False: it was the last one."""
        size = int(self.stream.readline(), 16)
        self.chunks.append(self.stream.read(size))
        assert self.stream.read(2) == b"\r\n"
        return size > 0

    def rest(self):
        while self.read_chunk():
            pass
        return gzip.decompress(b"".join(self.chunks))

    def close(self):
        self.stream.close()
        self.connection.close()


class Streaming(ServerCase):
    files = {f"{name}.json": text(name) for name in ("protocols-gzip", "protocols-br", "protocols-zstd", "head", "crowd", "left", "conditional",
                                                     *(f"early{n}" for n in range(6)))}

    def content(self, name):
        return self.files[name + ".json"]

    def test_a_large_text_is_whole_on_every_protocol_and_has_no_length(self):
        # Each file is asked for by another protocol: the first request has its codings made in the background.
        for protocol, coding in (("http/1.1", "gzip"), ("h2", "br"), ("https/1.1", "zstd")):
            response = ask(self.server, f"/protocols-{coding}.json", coding, protocol)
            self.assertEqual((response.status, response["content-encoding"]), (200, coding))
            self.assertIsNone(response["content-length"], protocol)
            self.assertEqual(response["transfer-encoding"], None if protocol == "h2" else "chunked")
            self.assertEqual(digest(response.content), digest(self.content(f"protocols-{coding}")), protocol)
        known = ask(self.server, "/protocols-br.json", "br")
        self.assertEqual(known["content-length"], str(len(known.body)))
        self.assertEqual(digest(known.content), digest(self.content("protocols-br")))

    def test_http_1_0_reads_it_until_the_connection_closes(self):  # RFC 9112 §6.3
        for name in ("early4", "early5"):
            response = ask(self.server, f"/{name}.json", "gzip", "http/1.0")
            self.assertIsNone(response["transfer-encoding"])
            self.assertEqual(digest(response.content), digest(self.content(name)))

    def test_its_beginning_is_sent_while_the_rest_is_being_made(self):
        def early(name):
            before = self.server.metric("codings_made_total")
            growing = Growing(self.server, f"/{name}.json")
            growing.read_chunk()
            growing.read_chunk()
            made = self.server.metric("codings_made_total") > before
            self.assertEqual(digest(growing.rest()), digest(self.content(name)))
            growing.close()
            return not made
        # That the test is held up meanwhile may happen; not each time.
        self.assertTrue(any(early(f"early{n}") for n in range(4)))

    def test_many_who_ask_at_once_have_it_made_once_and_a_slow_one_holds_up_nobody(self):
        started = self.server.metric("fills_started_total")
        slow = Growing(self.server, "/crowd.json", window=4096)
        whole = {}

        def read(number):
            growing = Growing(self.server, "/crowd.json")
            whole[number] = digest(growing.rest())
            growing.close()
        readers = [threading.Thread(target=read, args=(number,)) for number in range(20)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        self.assertEqual(set(whole.values()), {digest(self.content("crowd"))})
        self.assertEqual(len(whole), 20)
        self.assertEqual(digest(slow.rest()), digest(self.content("crowd")))
        slow.close()
        self.assertEqual(self.server.metric("fills_started_total") - started, 1)

    def test_head_and_conditions_need_no_length(self):
        head = self.server.get("/head.json", "http/1.1", "HEAD", {"Accept-Encoding": "br"})
        self.assertEqual((head.status, head["content-encoding"], head["content-length"]), (200, "br", None))
        tag = head["etag"]
        self.assertTrue(tag.endswith("-br.fast\""), tag)
        same = ask(self.server, "/head.json", "br", **{"If-None-Match": tag})
        self.assertIn(same.status, (200, 304))  # 200: the best one is there already
        part = ask(self.server, "/conditional.json", "br", Range="bytes=5-9")
        self.assertEqual((part.status, part["content-encoding"], part.body), (206, None, self.content("conditional")[5:10]))

    def test_what_nobody_reads_any_more_is_not_made_to_its_end(self):
        growing = Growing(self.server, "/left.json", "br")
        growing.close()
        until("no fill", lambda: self.server.metric("fills") == 0)
        response = ask(self.server, "/left.json", "br")
        self.assertEqual(digest(response.content), digest(self.content("left")))


if __name__ == "__main__":
    unittest.main()
