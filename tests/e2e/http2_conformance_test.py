#!/usr/bin/python3
"""HTTP/2 frame by frame, over TLS and plain: the public conformance cases and more; one test for each case and transport.

`generic/…`, `http2/…` and `hpack/…` with a number are the cases of the h2spec collection, with the section numbers that it has from
RFC 7540; those with a word are ours, with the numbers of RFC 9113, 7541 and 9218. Always the strict form: the error code that the RFC
names, a stream error leaves the connection alive, a connection error says GOAWAY and closes. The collection runs a third time frame by
frame ("deliberate"): what the server finds in one read must not matter.
"""
import re
import unittest

from conformance import http2_frame_kinds, http2_framing, http2_generic, http2_hpack, http2_messages, http2_priorities
from conformance.peer import Peer
from server_case import ServerCase

TABLES = (http2_generic, http2_framing, http2_frame_kinds, http2_messages, http2_hpack, http2_priorities)


class Http2(ServerCase):
    files = {"index.html": b"<!doctype html><title>conformance</title><p>hello", "large.bin": bytes(200_000)}


def test_of(case, tls, deliberate):
    def test(self):
        with Peer(self.server, tls, deliberate=deliberate) as peer:
            case.run(peer)
    test.__doc__ = f"{case.name}: {case.claim}"
    return test


def is_public(case):
    return re.fullmatch(r"(generic|http2|hpack)/[0-9.]+/[0-9]+", case.name)


def add(transport, scheme, deliberate=False):
    for case in (case for table in TABLES for case in table.cases(scheme)):
        name = f"test_{transport}_{re.sub('[^A-Za-z0-9]', '_', case.name)}"
        assert not hasattr(Http2, name), name
        if not deliberate or is_public(case):
            setattr(Http2, name, test_of(case, scheme == "https", deliberate))


add("tls", "https")
add("plain", "http")
add("deliberate", "https", deliberate=True)  # the public tool sends frame by frame


if __name__ == "__main__":
    unittest.main()
