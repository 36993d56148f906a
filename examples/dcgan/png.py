# Writes a grey picture as PNG with nothing but zlib; chunks and filters as in https://www.w3.org/TR/png-3/.
import struct
import zlib

import numpy as np


def write_png(path, grey):
    """`grey`: rows of values from 0 (black) to 1 (white)."""
    values = np.clip(np.round(grey * 255), 0, 255).astype(np.uint8)
    height, width = values.shape
    rows = b"".join(b"\0" + row.tobytes() for row in values)  # filter 0: as it is
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, data in ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")):
            checksum = zlib.crc32(kind + data)
            file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum))


def tile(images, columns):
    """Pictures of one size side by side, as one."""
    rows = [np.hstack(images[start : start + columns]) for start in range(0, len(images), columns)]
    return np.vstack(rows)
