"""Pictures for the tests, made when needed, and what a response's bytes really are."""
import io
import random
import struct

from PIL import Image


def photo(width, height, seed=1):
    """Soft shapes with some noise: codecs have something to do, and quality matters."""
    noise = Image.frombytes("RGB", (width // 8 + 1, height // 8 + 1),
                            random.Random(seed).randbytes((width // 8 + 1) * (height // 8 + 1) * 3))
    return noise.resize((width, height), Image.BICUBIC)


def bytes_of(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def jpeg(width, height, seed=1, **options):
    return bytes_of(photo(width, height, seed), "jpeg", **options)


def translucent(width, height):
    image = photo(width, height).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize((width, height)))
    return bytes_of(image, "png")


def animation(kind, width, height, frames=4):
    pictures = [Image.new("RGB", (width, height), colour) for colour in ("red", "lime", "blue", "white", "black", "yellow")[:frames]]
    return bytes_of(pictures[0], kind, save_all=True, append_images=pictures[1:], duration=100, loop=0)


def turned(orientation, width, height):
    """Upright it is red above blue; stored as EXIF orientation 6 or 8 wants it. The size is that of the upright picture."""
    upright = Image.new("RGB", (width, height), "red")
    upright.paste("blue", (0, height // 2, width, height))
    stored = upright.transpose({6: Image.ROTATE_90, 8: Image.ROTATE_270}[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x8298] = "the photographer"
    exif[0x010F] = "the camera"
    exif.get_ifd(0x8825)[1] = "N"  # GPS
    return bytes_of(stored, "jpeg", quality=95, exif=exif)


def owned(owner):
    exif = Image.Exif()
    exif[0x8298] = owner
    return jpeg(60, 40, exif=exif)


def png_claiming(width, height):
    """A few bytes whose header promises a picture of that size."""
    import zlib

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def avif_size(content):
    """From the first image spatial extents property (ISO/IEC 23008-12 §6.5.3) of the primary item, which we write first."""
    at = content.index(b"ispe") + 8
    return struct.unpack(">II", content[at:at + 8])


def examine(content):
    """(format, width, height, frames) of an image's bytes."""
    if content[4:8] == b"ftyp":
        assert content[8:12] in (b"avif", b"avis"), content[:16]
        return ("avif", *avif_size(content), 1)
    image = Image.open(io.BytesIO(content))
    image.load()
    return image.format.lower(), image.width, image.height, getattr(image, "n_frames", 1)


def pixel(content, x, y):
    return Image.open(io.BytesIO(content)).convert("RGB").getpixel((x, y))
