"""Real pictures, damaged by chance that repeats: what a careless uploader, a broken disk or an attacker leaves of them."""
import base64
import io
import pathlib
import random
import struct
import zlib

from PIL import Image

import pictures

DATA = pathlib.Path(__file__).resolve().parents[1] / "data" / "images"
# 1 × 1, as tests/fuzz/corpus/probe has it: PIL writes none.
JXL = pathlib.Path(__file__).resolve().parents[1] / "fuzz" / "corpus" / "probe" / "still.jxl"
SVG = (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="60" height="40">'
       b'<defs><linearGradient id="a"><stop offset="0" stop-color="red"/><stop offset="1" stop-color="#00f"/></linearGradient>'
       b'<filter id="f"><feGaussianBlur stdDeviation="2"/></filter><clipPath id="c"><circle cx="20" cy="20" r="15"/></clipPath></defs>'
       b'<rect width="50" height="30" fill="url(#a)" filter="url(#f)"/><g clip-path="url(#c)" transform="rotate(30)">'
       b'<path d="M0 0L10 10C20 20 30 0 40 10Z" stroke="green" stroke-width="2"/></g><use xlink:href="#c" x="5"/>'
       b'<image width="4" height="4" xlink:href="data:image/png;base64,' +
       base64.b64encode(pictures.bytes_of(pictures.photo(4, 4), "png")) + b'"/></svg>')
# Where a size, a count or a length may stand, what an attacker writes there: of one, two or four bytes.
NUMBERS = [0, 1, 0x7F, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]


def samples():
    """{file name: bytes} of every source format that can be had without a server (PIL writes no AVIF), a few kB each."""
    photo = pictures.photo(96, 64)
    grey = photo.convert("L")
    exif = Image.Exif()
    exif[0x0112], exif[0x8298] = 6, "the photographer"
    made = {
        "base.jpg": pictures.bytes_of(photo, "jpeg", quality=85), "many.jpg": pictures.bytes_of(photo, "jpeg", progressive=True),
        "grey.jpg": pictures.bytes_of(grey, "jpeg"), "cmyk.jpg": pictures.bytes_of(photo.convert("CMYK"), "jpeg"),
        "told.jpg": pictures.bytes_of(photo, "jpeg", exif=exif, icc_profile=profile(), restart_marker_blocks=4),
        "rgb.png": pictures.bytes_of(photo, "png", icc_profile=profile()), "alpha.png": pictures.translucent(80, 60),
        "palette.png": pictures.bytes_of(photo.quantize(64), "png"), "deep.png": png16(40, 30), "woven.png": interlaced(41, 29),
        "bits.png": pictures.bytes_of(grey.convert("1"), "png"),
        "lossy.webp": pictures.bytes_of(photo, "webp", exif=exif), "exact.webp": pictures.bytes_of(photo, "webp", lossless=True),
        "moving.webp": moving("webp"), "moving.gif": moving("gif"), "still.gif": pictures.bytes_of(photo, "gif"),
        "plain.tiff": pictures.bytes_of(photo, "tiff"), "lzw.tiff": pictures.bytes_of(photo, "tiff", compression="tiff_lzw"),
        "deflate.tiff": pictures.bytes_of(photo, "tiff", compression="tiff_adobe_deflate"),
        "jpeg.tiff": pictures.bytes_of(photo, "tiff", compression="jpeg"),
        "pages.tiff": pictures.bytes_of(photo, "tiff", save_all=True, append_images=[grey]), "drawing.svg": SVG}
    return made | {path.name: path.read_bytes() for path in [JXL, *DATA.glob("*.heic")] if path.exists()}


def profile():
    from PIL import ImageCms
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def moving(kind):
    frames = [pictures.photo(48, 32, seed) for seed in range(4)]
    return pictures.bytes_of(frames[0], kind, save_all=True, append_images=frames[1:], duration=50, loop=0)


def chunk(kind, data):
    """Of a PNG, with its sum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colour, pixels, interlace=0, *, before=b""):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(pixels, 9)) + chunk(b"IEND", b"")


def png16(width, height):
    rows = random.Random(1)
    return png(width, height, 16, 2, b"".join(b"\0" + rows.randbytes(6 * width) for _ in range(height)))


def interlaced(width, height):
    """Adam7; PIL writes none."""
    rows, passes = random.Random(2), [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    pixels = b""
    for x, y, right, down in passes:
        columns = len(range(x, width, right))
        pixels += b"".join(bytes([rows.randrange(5)]) + rows.randbytes(columns) for _ in range(y, height, down) if columns)
    return png(width, height, 8, 0, pixels, 1)


# Ways to damage: (bytes, dice, another file's bytes) → bytes.

def flipped(content, dice, _):
    changed = bytearray(content)
    # Half of the time in the first kB, where headers are.
    reach = min(len(changed), 1024) if dice.random() < 0.5 else len(changed)
    for _ in range(dice.randint(1, 64)):
        changed[dice.randrange(reach)] ^= 1 << dice.randrange(8)
    return bytes(changed)


def cut(content, dice, _):
    return content[:dice.randrange(1, len(content))]


def spliced(content, dice, other):
    return content[:dice.randrange(1, len(content))] + other[dice.randrange(len(other)):]


def renumbered(content, dice, _):
    changed = bytearray(content)
    for _ in range(dice.randint(1, 4)):
        size, order = dice.choice([1, 2, 2, 4, 4, 4]), dice.choice(["big", "little"])
        at = dice.randrange(max(1, min(len(changed), 512) - size))
        changed[at:at + size] = (dice.choice(NUMBERS) & (1 << 8 * size) - 1).to_bytes(size, order)
    return bytes(changed)


def repeated(content, dice, _):
    """A piece of it, up to a thousand times."""
    at = dice.randrange(len(content))
    piece = content[at:at + dice.randint(1, 256)]
    return content[:at] + piece * dice.choice([2, 3, 10, 100, 1000]) + content[at:]


def removed(content, dice, _):
    at = dice.randrange(len(content))
    return content[:at] + content[at + dice.randint(1, 64):]


def zeroed(content, dice, _):
    at, fill = dice.randrange(len(content)), dice.choice([b"\0", b"\xff"])
    length = min(dice.randint(1, 4096), len(content) - at)
    return content[:at] + fill * length + content[at + length:]


WAYS = [flipped, flipped, cut, spliced, renumbered, renumbered, repeated, removed, zeroed]


def with_good_sums(content):
    """A PNG whose chunks have the right CRC again: what the sum would have caught goes on to the decoder."""
    out, at = io.BytesIO(), 8
    out.write(content[:8])
    while at + 12 <= len(content):
        size = min(int.from_bytes(content[at:at + 4], "big"), len(content) - at - 12)
        out.write(content[at:at + 4] + content[at + 4:at + 8 + size])
        out.write(zlib.crc32(content[at + 4:at + 8 + size]).to_bytes(4, "big"))
        at += 12 + size
    return out.getvalue() + content[at:]


def damaged(good, seed):
    """(file name, bytes): the same for the same samples and seed."""
    dice = random.Random(seed)
    # Large files are slow, and their headers no others.
    small = [name for name in sorted(good) if len(good[name]) < 100_000]
    name = dice.choice(small if dice.random() < 0.97 else sorted(good))
    way = dice.choice(WAYS)
    content = way(good[name], dice, good[dice.choice(small)])
    if name.endswith(".png") and dice.random() < 0.7:
        content = with_good_sums(content)
    stem, _, kind = name.rpartition(".")
    return f"{seed}-{way.__name__}-{stem}.{kind}", content


# What is asked for; a drawing stays one unless a format is asked for.
ORDERS = ["w=64&fm=webp", "w=50&fm=jpeg", "w=80&fm=png", "w=48&fm=avif", "w=40&h=30&fit=cover&fm=gif", "w=500&fm=webp", "w=20&fm=jpeg",
          "h=33&fm=png", "w=64&fm=webp&anim=0", "w=64&fm=webp&q=auto", "fm=webp"]


def order_for(seed):
    return ORDERS[random.Random(~seed).randrange(len(ORDERS))]
