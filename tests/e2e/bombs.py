"""Small files that promise, or unpack to, far more than anyone should make of them; each with what may be said about it."""
import base64
import struct
import zlib

import damage
import pictures
from damage import chunk, png

XML = b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" %s>%s</svg>'
SMALL = b'width="10" height="10"'
ANY = (200, 413, 415, 422)  # it may be drawn, if that is cheap
REFUSED = (413, 415, 422)


def jpeg_of_scans(number):
    """The last scan of a progressive picture, again and again."""
    good = pictures.jpeg(400, 300, progressive=True)
    at = good.rindex(b"\xff\xda")
    return good[:at] + good[at:-2] * number + b"\xff\xd9"


def jpeg_with(marker, head, size, claimed=None):
    """Segments of one kind after SOI, in all `size` bytes."""
    good = pictures.jpeg(60, 40)
    pieces, number = [], -(-size // 65_000)
    for at in range(number):
        data = head(at + 1, min(number, 255)) + b"\xa5" * (65_000 if size > 65_000 else size)
        pieces.append(b"\xff" + marker + struct.pack(">H", claimed or len(data) + 2) + data)
    return good[:2] + b"".join(pieces) + good[2:]


def turned_in_circles():
    """EXIF whose directory says that the next is itself, of 65,535 fields."""
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + struct.pack("<HHIHH", 0x0112, 3, 1, 77, 0) + struct.pack("<HHII", 0x8298, 2, 1 << 31, 8) + struct.pack("<I", 8)
    good = pictures.jpeg(60, 40)
    return good[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + good[2:]


def packed(megabytes):
    """Zeros that unpack to so much; a thousandth of it, without having had them all."""
    packer = zlib.compressobj(9)
    parts = [packer.compress(bytes(1 << 20)) for _ in range(megabytes)]
    return b"".join(parts) + packer.flush()


def png_with_text(kind, head, megabytes):
    return png(20, 10, 8, 0, bytes(210), before=chunk(kind, head + packed(megabytes)))


def png_of_zeros(side, bits, megabytes):
    header = struct.pack(">IIBBBBB", side, side, bits, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed(megabytes)) + chunk(b"IEND", b"")


def gif_of_frames(number, side=1):
    """Each of one pixel on a screen of side × side."""
    screen = b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x21\xf9\x04\0\x05\0\0\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0"
    return screen + b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0" + frame * number + b";"


def webp_of_frames(number, side):
    still = pictures.bytes_of(pictures.photo(4, 4), "webp")[12:]
    u24 = lambda value: struct.pack("<I", value)[:3]
    piece = lambda kind, data: kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
    frame = piece(b"ANMF", u24(0) * 2 + u24(3) * 2 + u24(10) + b"\0" + still)
    body = b"WEBP" + piece(b"VP8X", b"\x02\0\0\0" + u24(side - 1) * 2) + piece(b"ANIM", b"\0\0\0\0\0\0") + frame * number
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff(fields, *, directories=1, more=b""):
    """Little endian; every directory the same, the last says that the first is next."""
    entries = b"".join(struct.pack("<HHII", *field) for field in sorted(fields))
    size = 2 + len(entries) + 4
    one = lambda at: struct.pack("<H", len(fields)) + entries + struct.pack("<I", 8 + (at + 1) % directories * size)
    return b"II*\0\x08\0\0\0" + b"".join(one(at) for at in range(directories)) + more


def tiff_of(width, height, strips, rows, **more):
    """(tag, type, count, value): LONG is 4."""
    return tiff([(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8),
                 (277, 3, 1, 1), (278, 4, 1, rows), (279, 4, 1, strips)], **more)


def claiming(width, height):
    """The header of a JPEG says so."""
    good = bytearray(pictures.jpeg(60, 40))
    at = good.index(b"\xff\xc0")
    good[at + 5:at + 9] = struct.pack(">HH", height, width)
    return bytes(good)


def laughs(depth=12):
    entities = b'<!ENTITY a0 "<rect width=\'1\' height=\'1\'/>">' + b"".join(
        b'<!ENTITY a%d "%s">' % (at, b"&a%d;" % (at - 1) * 10) for at in range(1, depth))
    return b"<!DOCTYPE svg [" + entities + b"]>" + XML % (SMALL, b"&a%d;" % (depth - 1))


def used_by_doubling(depth):
    """2^depth rectangles."""
    groups = b"".join(b'<g id="u%d"><use xlink:href="#u%d"/><use xlink:href="#u%d"/></g>' % (at, at - 1, at - 1) for at in range(1, depth))
    return XML % (SMALL, b'<defs><rect id="u0" width="1" height="1"/>' + groups + b'</defs><use xlink:href="#u%d"/>' % (depth - 1))


def drawing_within_drawings(depth):
    inner = XML % (SMALL, b"<rect/>")
    for _ in range(depth):
        inner = XML % (SMALL, b'<image width="9" height="9" xlink:href="data:image/svg+xml;base64,%s"/>' % base64.b64encode(inner))
    return inner


RADIUS = (b'<filter id="f" x="-999" y="-999" width="9999" height="9999"><feGaussianBlur stdDeviation="100000"/>'
          b'<feMorphology operator="dilate" radius="100000"/><feTurbulence baseFrequency="0.0001" numOctaves="100000"/>'
          b'<feConvolveMatrix order="1000" kernelMatrix="1"/></filter><rect filter="url(#f)" width="10" height="10"/>')


def drawings():
    return {
        "laughs.svg": (laughs, ANY), "doubled.svg": (lambda: used_by_doubling(30), (200, 422, 504)),
        "nested.svg": (lambda: XML % (SMALL, b"<g>" * 100_000), ANY),
        "nested-closed.svg": (lambda: XML % (SMALL, b"<g>" * 20_000 + b"</g>" * 20_000), ANY),
        "million.svg": (lambda: XML % (SMALL, b"<b/>" * 1_000_000), REFUSED),
        "elements.svg": (lambda: XML % (SMALL, b"<b/>" * 100_000), REFUSED),
        "giant.svg": (lambda: XML % (b'width="1000000" height="1000000"', b"<rect/>"), REFUSED),
        "endless.svg": (lambda: XML % (b'width="1e38" height="1e38"', b"<rect/>"), ANY),
        "negative.svg": (lambda: XML % (b'width="-5" height="nan"', b"<rect/>"), ANY),
        "nothing.svg": (lambda: XML % (b'width="0" height="0"', b"<rect/>"), ANY),
        "filter.svg": (lambda: XML % (SMALL, RADIUS), (200, 422, 504)),
        "circle.svg": (lambda: XML % (SMALL, b'<g id="a"><use xlink:href="#b"/></g><g id="b"><use xlink:href="#a"/></g>'), ANY),
        "matryoshka.svg": (lambda: drawing_within_drawings(12), ANY),
        "dashes.svg": (lambda: XML % (SMALL, b'<path d="M0 0H1000000000" stroke="red" stroke-dasharray="0.00001"/>'), (200, 422, 504)),
        "pattern.svg": (lambda: XML % (SMALL, b'<pattern id="p" width="1e-5" height="1e-5" patternUnits="userSpaceOnUse"><rect width="1" '
                                       b'height="1"/></pattern><rect width="10" height="10" fill="url(#p)"/>'), (200, 422, 504)),
        "gzipped.svg": (lambda: b"\x1f\x8b" + XML % (SMALL, b""), ANY)}


# {file name: (maker, statuses that it may have)}
BOMBS = {
    "scans.jpg": (lambda: jpeg_of_scans(1_000), REFUSED),
    "icc.jpg": (lambda: jpeg_with(b"\xe2", lambda at, of: b"ICC_PROFILE\0" + bytes([at % 256, of]), 16 << 20), ANY),
    "icc-claims.jpg": (lambda: jpeg_with(b"\xe2", lambda at, of: b"ICC_PROFILE\0\x01\xff" + struct.pack(">I", 16 << 20) + bytes(32) + b"acsp", 400), ANY),
    "exif-claims.jpg": (lambda: jpeg_with(b"\xe1", lambda at, of: b"Exif\0\0MM\0*\xff\xff\xff\xff", 100, claimed=65535), ANY),
    "exif-circles.jpg": (turned_in_circles, ANY),
    "comments.jpg": (lambda: jpeg_with(b"\xfe", lambda at, of: b"", 20 << 20), ANY),
    "wide.jpg": (lambda: claiming(65_535, 65_535), REFUSED), "flat.jpg": (lambda: claiming(0, 0), REFUSED),
    "lies.jpg": (lambda: claiming(16_000, 3_000), (200, 422)),  # as browsers: the missing rows are grey, or an error
    "giant.png": (lambda: png_of_zeros(50_000, 1, 8), REFUSED), "most.png": (lambda: pictures.png_claiming(1 << 31, 1 << 31), REFUSED),
    "signed.png": (lambda: pictures.png_claiming(0x7FFFFFFF, 1), REFUSED), "none.png": (lambda: pictures.png_claiming(0, 0), REFUSED),
    "text.png": (lambda: png_with_text(b"zTXt", b"Comment\0\0", 64), ANY), "profile.png": (lambda: png_with_text(b"iCCP", b"x\0\0", 64), ANY),
    "international.png": (lambda: png_with_text(b"iTXt", b"Comment\0\1\0\0\0", 64), ANY),
    "texts.png": (lambda: png(20, 10, 8, 0, bytes(210), before=chunk(b"tEXt", b"a\0b") * 50_000), ANY),
    "too-much.png": (lambda: png_of_zeros(100, 8, 64), ANY),
    "frames.gif": (lambda: gif_of_frames(100_000), REFUSED), "screen.gif": (lambda: gif_of_frames(50, 2_000), REFUSED),
    "screens.gif": (lambda: gif_of_frames(2, 65_535), REFUSED),
    "frames.webp": (lambda: webp_of_frames(2_000, 4), REFUSED), "canvas.webp": (lambda: webp_of_frames(400, 4_000), REFUSED),
    "canvases.webp": (lambda: webp_of_frames(2, 16_384), REFUSED),
    "strip.tiff": (lambda: tiff_of(4_000, 4_000, 0xFFFFFFFF, 0xFFFFFFFF), REFUSED),
    "sides.tiff": (lambda: tiff_of(0xFFFFFFFF, 0xFFFFFFFF, 1, 1), REFUSED), "strips.tiff": (lambda: tiff_of(5_000, 5_000, 25, 1), REFUSED),
    "circle.tiff": (lambda: tiff_of(10, 10, 100, 10, more=bytes(100)), ANY),
    "directories.tiff": (lambda: tiff_of(10, 10, 100, 10, directories=60_000), ANY),
    **drawings()}


def order_for(name):
    """All frames, of what moves; pixels, of what is drawn."""
    return "w=40&fm=webp" if name.endswith((".gif", ".webp")) else "w=40&fm=png"


def calling(port):
    """Drawings that would have somebody fetch what is elsewhere: nobody is to connect to this port, and no file to be seen."""
    for number, address in enumerate([f"http://127.0.0.1:{port}/a.png", "file:///etc/passwd", "/etc/hostname", "../../../../etc/passwd"]):
        link = address.encode()
        yield f"calls-{number}.svg", (
            b'<?xml version="1.0"?><?xml-stylesheet type="text/css" href="%s"?><!DOCTYPE svg [<!ENTITY %% e SYSTEM "%s"> %%e; '
            b'<!ENTITY x SYSTEM "%s">]>' % (link, link, link) +
            XML % (SMALL, b'<style>@import url("%s"); rect { fill: url("%s#a") }</style><image width="9" height="9" xlink:href="%s"/>'
                   b'<use xlink:href="%s#a"/><rect width="9" height="9"/><feImage xlink:href="%s"/>'
                   b'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="%s" parse="text"/>' % ((link,) * 6)))
