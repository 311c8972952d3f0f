"""Blocks that do not decode: RFC 7541 §2.3.3 to §6.3; a connection error COMPRESSION_ERROR (RFC 9113 §4.3)."""
from conformance.case import Case
from conformance.frames import (COMPRESSION_ERROR, END_HEADERS, HEADER_TABLE_SIZE, NONE, block, headers, literal, number, request,
                                settings)
from conformance.frames import data
from conformance.peer import answered, goaway

NAME = b"\x00\x85\xf2\xb2\x4a\x84\xff"  # x-test, without indexing, Huffman-coded


def larger_than_the_table(scheme):
    def step(peer):
        size = peer.settings.get(HEADER_TABLE_SIZE, 4096) + 1
        peer.send(headers(1, number(size, 5, 0x20) + block(request(scheme))))
    return step


def cases(scheme):
    simple = block(request(scheme))

    def broken(name, claim, *parts, before=b""):
        return Case(name, claim + " is a decoding error", headers(1, before + simple + b"".join(parts)), goaway(COMPRESSION_ERROR))

    post = headers(1, block(request(scheme, method="POST")), END_HEADERS) + data(1, flags=NONE)
    return [
        broken("hpack/2.3.3/1", "an index beyond both tables", b"\xfe"),
        broken("hpack/2.3.3/2", "a name's index beyond both tables", b"\x7f\x2f\x04test"),
        broken("hpack/4.2/1", "a table size update at the end of a block", b"\x21"),
        broken("hpack/5.2/1", "Huffman padding longer than 7 bits", NAME + b"\x84\x49\x50\x9f\xff"),
        broken("hpack/5.2/2", "Huffman padding of zeros", NAME + b"\x83\x49\x50\x90"),
        broken("hpack/5.2/3", "EOS within a Huffman-coded string", NAME + b"\x87\xff\xff\xff\xfd\x25\x42\x7f"),
        broken("hpack/6.1/1", "index 0", b"\x80"),
        Case("hpack/6.3/1", "a table size above SETTINGS_HEADER_TABLE_SIZE is a decoding error", larger_than_the_table(scheme),
             goaway(COMPRESSION_ERROR)),
        broken("hpack/5.1/more1", "an integer that has no end", b"\xff" + b"\x80" * 20),
        broken("hpack/5.1/more2", "an integer beyond 2^32", b"\x7f" + b"\xff" * 9 + b"\x01"),
        broken("hpack/5.1/more3", "an integer cut off", b"\xff"),
        broken("hpack/5.2/more1", "a string cut off", b"\x00\x06x-te"),
        broken("hpack/5.2/more2", "a string longer than its block", b"\x00\x01x\x7f\xff\xff\x03"),
        broken("hpack/5.2/more3", "EOS alone", NAME + b"\x84\xff\xff\xff\xff"),
        broken("hpack/4.1/more1", "an entry that was evicted", b"\x20" b"\xbe", before=literal("x-test", "ok", b"\x40")),
        Case("hpack/4.4/more1", "an entry larger than the table empties it", headers(1, simple + literal("x-test", "ok", b"\x40")),
             answered(1), headers(3, simple + literal("x-large", "x" * 4096, b"\x40")), answered(3), headers(5, simple + b"\xbe"),
             goaway(COMPRESSION_ERROR)),
        Case("hpack/4.3/more1", "a smaller table evicts", headers(1, simple + literal("x-test", "ok", b"\x40")), answered(1),
             headers(3, b"\x20\x3f\xe1\x1f" + simple + b"\xbe"), goaway(COMPRESSION_ERROR)),
        Case("hpack/6.2.3/more1", "what is never indexed is not", headers(1, simple + literal("authorization", "secret", b"\x10")),
             answered(1), headers(3, simple + b"\xbe"), goaway(COMPRESSION_ERROR)),
        Case("hpack/6.2.2/more1", "nor is what is without indexing", headers(1, simple + literal("x-test", "ok", b"\x00")),
             answered(1), headers(3, simple + b"\xbe"), goaway(COMPRESSION_ERROR)),
        Case("hpack/4.2/more1", "the client's own table may be of no size: nothing is entered in it", settings((HEADER_TABLE_SIZE, 0)),
             no_table, headers(1, simple), answered(1), headers(3, simple), answered(3)),
        Case("hpack/4.3/more2", "trailers that do not decode are a connection error too", post, headers(1, b"\x80"),
             goaway(COMPRESSION_ERROR)),
    ]


def no_table(peer):
    peer.until("SETTINGS with ACK", lambda frame: frame.kind == 4 and frame.flags & 1)
    peer.fields.max_allowed_table_size = 0  # the decoder then refuses a block that does not begin with the update, §4.2
