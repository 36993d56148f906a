# The file format of MNIST: a magic number with type and rank, the sizes in big-endian, then the bytes; gzip around it.
# As described at the end of http://yann.lecun.com/exdb/mnist/.
import gzip
import os
from pathlib import Path

import numpy as np

UNSIGNED_BYTE = 0x08


def write_idx(path, array):
    """Whoever looks at `path` meanwhile finds nothing, or all of it."""
    path = Path(path)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    sizes = np.array(array.shape, dtype=">u4").tobytes()
    # Without the time of day, the same images make the same file.
    with open(fresh, "wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
        file.write(bytes([0, 0, UNSIGNED_BYTE, array.ndim]) + sizes + array.astype(np.uint8).tobytes())
    os.replace(fresh, path)


def read_idx(path):
    """An array of uint8. ValueError when the file is none of MNIST's, or cut short."""
    with gzip.open(path, "rb") as file:
        content = file.read()
    zeros, kind, rank = content[:2], content[2:3], content[3] if len(content) > 3 else 0
    if zeros != b"\0\0" or kind != bytes([UNSIGNED_BYTE]) or not 1 <= rank <= 4:
        raise ValueError(f"{path} is no IDX file of unsigned bytes")
    body = 4 + 4 * rank
    sizes = np.frombuffer(content[4:body], dtype=">u4").astype(int)
    if len(sizes) != rank or len(content) - body != sizes.prod():
        raise ValueError(f"{path} has not the length that its head says")
    return np.frombuffer(content, dtype=np.uint8, offset=body).reshape(sizes)
