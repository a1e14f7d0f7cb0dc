"""Writes PNG and TIFF files with 16 bits per channel, most of which Pillow cannot write."""

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PNG_COLORS = {1: 0, 2: 4, 3: 2, 4: 6}
"""The color type of PNG by the number of channels."""


def random_levels(*shape: int, most: int = 65535) -> NDArray[np.uint16]:
    return np.random.default_rng(0).integers(0, most + 1, shape).astype(np.uint16)


def write_png(path: Path, levels: NDArray[np.uint16]) -> None:
    """Write uint16 `(height, width)` or `(height, width, channels)`, rows filtered by `Sub`."""
    pixels = levels.reshape(*levels.shape[:2], -1)
    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 16, PNG_COLORS[channels], 0, 0, 0)
    rows = np.frombuffer(pixels.astype(">u2").tobytes(), np.uint8).reshape(height, width, -1)
    filtered = rows.copy()
    filtered[:, 1:] -= rows[:, :-1]
    body = b"".join(b"\1" + row.tobytes() for row in filtered)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(body)), (b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks))


def _chunk(name: bytes, content: bytes) -> bytes:
    checked = name + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def write_tiff(
    path: Path,
    levels: NDArray[np.uint16],
    order: str = "<",
    compress: bool = False,
    orientation: int = 1,
    is_planar: bool = False,
) -> None:
    """Write uint16 `(height, width)` or `(height, width, channels)`, in a strip for each plane.

    Args:
        path: The file to write.
        levels: The pixels; a fourth channel is transparency that is not multiplied in.
        order: `<` for little endian, `>` for big endian.
        compress: Whether the strip is compressed by Deflate, which libtiff decodes.
        orientation: The value of that tag.
        is_planar: Whether each channel is a plane of its own.
    """
    pixels = levels.reshape(*levels.shape[:2], -1)
    height, width, channels = pixels.shape
    planes = [pixels[:, :, channel] for channel in range(channels)] if is_planar else [pixels]
    strips = [plane.astype(f"{order}u2").tobytes() for plane in planes]
    strips = [zlib.compress(strip) if compress else strip for strip in strips]
    ends = [8 + sum(map(len, strips[: count + 1])) for count in range(len(strips))]
    tags = {
        256: (3, [width]),
        257: (3, [height]),
        258: (3, [16] * channels),
        259: (3, [8 if compress else 1]),
        262: (3, [1 if channels == 1 else 2]),
        273: (4, [8, *ends[:-1]]),
        274: (3, [orientation]),
        277: (3, [channels]),
        278: (3, [height]),
        279: (4, [len(strip) for strip in strips]),
        284: (3, [2 if is_planar else 1]),
        **({338: (3, [2])} if channels == 4 else {}),
    }
    start = ends[-1] + ends[-1] % 2
    directory, beyond = struct.pack(f"{order}H", len(tags)), b""
    after = start + 2 + 12 * len(tags) + 4
    for tag, (kind, values) in tags.items():
        content = struct.pack(f"{order}{len(values)}{'H' if kind == 3 else 'I'}", *values)
        if len(content) > 4:
            content, beyond = (
                struct.pack(f"{order}I", after + len(beyond)),
                beyond + content,
            )
        directory += struct.pack(f"{order}HHI", tag, kind, len(values)) + content.ljust(4, b"\0")
    magic = b"II*\0" if order == "<" else b"MM\0*"
    head = magic + struct.pack(f"{order}I", start)
    padding = b"\0" * (start - ends[-1])
    path.write_bytes(head + b"".join(strips) + padding + directory + b"\0" * 4 + beyond)
