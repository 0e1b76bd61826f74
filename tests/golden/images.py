"""Small PNG and JPEG files, as Pillow writes them, and the pixels that it reads from them, plain and
resampled: tests/golden/images/ and tests/golden/images.txt. Run with python3-pil installed."""
import os
import struct
import zlib

from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "images")
W, H = 7, 5


def rgb(x, y):
    return (x * 36, y * 60, (x * y * 11 + 40) % 256)


def picture(mode):
    image = Image.new("RGB", (W, H))
    for y in range(H):
        for x in range(W):
            image.putpixel((x, y), rgb(x, y))
    return image.convert(mode)


def interlaced(path):
    """Adam7, which Pillow does not write."""
    rows = b""
    for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4),
                           (1, 0, 2, 2), (0, 1, 1, 2)):
        for y in range(y0, H, dy):
            row = b"".join(bytes(rgb(x, y)) for x in range(x0, W, dx))
            if row:
                rows += b"\0" + row

    def chunk(name, data):
        return (struct.pack(">I", len(data)) + name + data
                + struct.pack(">I", zlib.crc32(name + data)))

    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, 8, 2, 0, 0, 1))
                + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def write():
    os.makedirs(FOLDER, exist_ok=True)

    def path(name):
        return os.path.join(FOLDER, name)

    picture("RGB").save(path("rgb.png"))
    picture("L").save(path("grey.png"))
    picture("1").save(path("bits.png"))
    picture("P").save(path("palette.png"))
    rgba = picture("RGB")
    rgba.putalpha(picture("L"))
    rgba.save(path("rgba.png"))
    interlaced(path("interlaced.png"))
    picture("RGB").save(path("rgb.jpg"), quality=90)
    picture("L").save(path("grey.jpg"), quality=90)
    picture("RGB").resize((40, 30)).save(path("progressive.jpg"), quality=60, progressive=True)
    picture("CMYK").save(path("cmyk.jpg"))


def numbers(image):
    return " ".join(str(v) for p in image.getdata() for v in (p if isinstance(p, tuple) else (p,)))


def main():
    write()
    with open(os.path.join(HERE, "images.txt"), "w") as out:
        for name in sorted(os.listdir(FOLDER)):
            image = Image.open(os.path.join(FOLDER, name))
            if image.mode == "CMYK":
                continue
            grey = image.mode in ("L", "1")
            for mode in ("L", "RGB"):
                same = image if not grey else image.convert("L")
                if mode == "L" and not grey:
                    continue  # Pillow rounds its greys in another way
                shown = same.convert(mode)
                out.write("%s %d %d %d %s\n" % (name, shown.height, shown.width,
                                                len(shown.getbands()), numbers(shown)))
            shown = image.convert("RGB")
            for size in ((3, 2), (11, 8)):
                small = shown.resize(size, Image.BILINEAR)
                out.write("%s %d %d 3 %s\n" % (name, size[1], size[0], numbers(small)))


main()
