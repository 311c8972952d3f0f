"""HTTP/2 frames and header blocks, written down as RFC 9113 §4 to §6 and RFC 7541 §6 lay them out: nothing here refuses to be wrong."""

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

# Frame types: RFC 9113 §6, RFC 9218 §7.
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
PRIORITY_UPDATE, UNKNOWN = 0x10, 0x16
NAMES = {DATA: "DATA", HEADERS: "HEADERS", PRIORITY: "PRIORITY", RST_STREAM: "RST_STREAM", SETTINGS: "SETTINGS",
         PUSH_PROMISE: "PUSH_PROMISE", PING: "PING", GOAWAY: "GOAWAY", WINDOW_UPDATE: "WINDOW_UPDATE",
         CONTINUATION: "CONTINUATION", PRIORITY_UPDATE: "PRIORITY_UPDATE"}

# Flags. ACK and END_STREAM are one bit.
NONE, ACK, END_STREAM, END_HEADERS, PADDED, PRIORITISED = 0, 1, 1, 4, 8, 0x20

# Error codes: RFC 9113 §7.
(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM,
 CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM) = range(12)

# Settings: RFC 9113 §6.5.2, RFC 9218 §2.1.
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = range(1, 7)
NO_RFC7540_PRIORITIES = 9


def u32(number):
    return number.to_bytes(4, "big")


def frame(kind, flags, stream, payload=b"", length=None):
    """One frame. `length` when its header is to say another one than the payload has."""
    size = len(payload) if length is None else length
    return size.to_bytes(3, "big") + bytes([kind, flags]) + u32(stream) + payload


def each(whole):
    """The frames of a byte string, one by one; the last one may be cut off."""
    while whole:
        size = 9 + int.from_bytes(whole[:3], "big")
        yield whole[:size]
        whole = whole[size:]


def settings(*pairs, flags=NONE, stream=0):
    return frame(SETTINGS, flags, stream, b"".join(name.to_bytes(2, "big") + u32(value) for name, value in pairs))


def headers(stream, block, flags=END_STREAM | END_HEADERS, priority=b"", padding=None):
    return frame(HEADERS, flags | (PRIORITISED if priority else 0) | (PADDED if padding is not None else 0), stream,
                 (b"" if padding is None else bytes([padding])) + priority + block + bytes(padding or 0))


def continuation(stream, block, flags=END_HEADERS):
    return frame(CONTINUATION, flags, stream, block)


def data(stream, content=b"test", flags=END_STREAM):
    return frame(DATA, flags, stream, content)


def reset(stream, code=CANCEL):
    return frame(RST_STREAM, NONE, stream, u32(code))


def dependency(on, weight=255, exclusive=False):
    """What PRIORITY carries, and HEADERS with its flag: RFC 7540 §6.3."""
    return u32(on | (exclusive << 31)) + bytes([weight])


def priority(stream, on=0, weight=255, exclusive=False):
    return frame(PRIORITY, NONE, stream, dependency(on, weight, exclusive))


def ping(opaque=b"abcdefgh", flags=NONE, stream=0):
    return frame(PING, flags, stream, opaque)


def goaway(last=0, code=NO_ERROR, stream=0, more=b""):
    return frame(GOAWAY, NONE, stream, u32(last) + u32(code) + more)


def window_update(stream, more):
    return frame(WINDOW_UPDATE, NONE, stream, u32(more))


def priority_update(prioritised, value, stream=0):
    return frame(PRIORITY_UPDATE, NONE, stream, u32(prioritised) + value)


def number(value, prefix, first=0):
    """An integer with a prefix of so many bits: RFC 7541 §5.1."""
    most = (1 << prefix) - 1
    if value < most:
        return bytes([first | value])
    more, value = [first | most], value - most
    while value >= 128:
        more.append(value % 128 + 128)
        value //= 128
    return bytes(more + [value])


def string(text):
    """A string literal without Huffman coding: RFC 7541 §5.2."""
    text = text.encode("latin-1") if isinstance(text, str) else text
    return number(len(text), 7) + text


def literal(name, value, first=b"\x00"):
    """A field with its name in full. `first`: 0x00 without indexing, 0x10 never indexed, 0x40 with indexing. RFC 7541 §6.2."""
    return first + string(name) + string(value)


def block(fields):
    return b"".join(literal(name, value) for name, value in fields)


def request(named, *more, without=(), **changed):
    """The fields of a GET of "/", with pseudo-fields changed (`path="/a"`), left out (`without=["path"]`), and more after them."""
    pseudo = {"method": "GET", "scheme": named, "path": "/", "authority": "127.0.0.1", **changed}
    return [(":" + name, value) for name, value in pseudo.items() if name not in without] + list(more)
