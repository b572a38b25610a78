"""Which files are pictures."""

from pathlib import Path

PICTURE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
PICTURE_KINDS = "JPEG, PNG, BMP, WebP, TIFF or PPM"


def pictures_below(folder: Path, recursive: bool = True) -> list[Path]:
    """All pictures below a folder by their suffixes, in the order of their paths; hidden ones are left out.

    Unless `recursive`, those in the folder itself alone.
    """
    found = []
    for path in folder.rglob("*") if recursive else folder.glob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in PICTURE_SUFFIXES and not hidden and path.is_file():
            found.append(path)
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())
