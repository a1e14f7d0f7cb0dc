"""Pictures in folders: `normal/` and one folder a defect kind, or MVTec AD's layout.

MVTec AD (Bergmann et al., CVPR 2019) has `train/good`, `test/good`, `test/<kind>` and
`ground_truth/<kind>`; the masks in `ground_truth` are not pictures of parts and are left out.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganad_station.images import IMAGE_SUFFIXES, UnreadableImageError, is_color, read_image
from ganad_tf.data.labeled import UNASSIGNED, LabeledImages
from ganad_tf.errors import UserError

NORMAL = "normal"
MVTEC_NORMAL = "good"
MASK_FOLDERS = frozenset({"masks", "ground_truth"})
DECODERS = 2


def load_folder(size: int, channels: int | None, data_dir: Path | None) -> LabeledImages:
    """Load a folder of pictures, scaled to `size` x `size` pixels.

    Args:
        size: Height and width to scale to, in pixels.
        channels: 1 for grey, 3 for RGB, None for what the first normal picture is.
        data_dir: The folder.

    Returns:
        The images; kind 0 is normal.

    Raises:
        UserError: If the folder is missing, lacks normal or defective pictures, or holds a
            picture that cannot be read.
    """
    if data_dir is None:
        raise UserError(
            "the folder data set needs --data-dir, the folder with normal/ and the defect kinds"
        )
    if not data_dir.is_dir():
        raise UserError(
            f"{data_dir} is not a folder: give --data-dir the folder with normal/ in it"
        )
    items = list(
        _mvtec_items(data_dir) if (data_dir / "train").is_dir() else _plain_items(data_dir)
    )
    paths = [path for path, _, _ in items]
    kind_names = (NORMAL, *sorted({kind for _, kind, _ in items} - {NORMAL}))
    kinds = np.array([kind_names.index(kind) for _, kind, _ in items], np.int64)
    if not np.any(kinds == 0):
        raise UserError(
            f"{data_dir} has no pictures of normal parts: put them into {data_dir / NORMAL}"
        )
    if not np.any(kinds > 0):
        raise UserError(
            f"{data_dir} has no defective pictures: add a folder a defect kind beside {NORMAL}/"
        )
    return LabeledImages(
        _read_all(paths, size, channels or _channels_of(paths[int(np.argmin(kinds))])),
        kinds,
        kind_names,
        np.array([split for _, _, split in items]),
        np.array([path.relative_to(data_dir).as_posix() for path in paths]),
        np.arange(len(paths)),
    )


def _plain_items(root: Path) -> Iterator[tuple[Path, str, str]]:
    for folder in _subfolders(root):
        for path in _pictures(folder):
            yield path, folder.name, UNASSIGNED


def _mvtec_items(root: Path) -> Iterator[tuple[Path, str, str]]:
    for path in _pictures(root / "train" / MVTEC_NORMAL):
        yield path, NORMAL, "train"
    for folder in _subfolders(root / "test"):
        is_normal = folder.name == MVTEC_NORMAL
        for path in _pictures(folder):
            yield path, NORMAL if is_normal else folder.name, "test" if is_normal else UNASSIGNED


def _subfolders(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    return sorted(path for path in root.iterdir() if path.is_dir() and _holds_parts(path.name))


def _pictures(folder: Path) -> list[Path]:
    pictures = []
    for parent, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if _holds_parts(name)]
        paths = (Path(parent, name) for name in files if not name.startswith("."))
        pictures += [path for path in paths if path.suffix.lower() in IMAGE_SUFFIXES]
    return sorted(pictures)


def _holds_parts(folder_name: str) -> bool:
    return folder_name not in MASK_FOLDERS and not folder_name.startswith(".")


def _refuse(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise UserError(f"{error.filename} cannot be listed: {error.strerror}")


def _channels_of(path: Path) -> int:
    try:
        return 3 if is_color(path) else 1
    except UnreadableImageError as error:
        raise UserError(f"{error}: mend or remove the file") from None


def _read_all(paths: list[Path], size: int, channels: int) -> NDArray[np.uint8]:
    try:
        with ThreadPoolExecutor(DECODERS) as pool:
            return np.stack(list(pool.map(lambda path: read_image(path, size, channels), paths)))
    except UnreadableImageError as error:
        raise UserError(f"{error}: mend or remove the file") from None
