"""Ways in which a file goes bad."""

from pathlib import Path


def harm(path: Path, damage: str) -> None:
    """Damage a file: `truncated` to half, `empty`, or one byte in its data `flipped`."""
    content = path.read_bytes()
    middle = len(content) // 2
    early = len(content) // 4  # The metadata of a small parquet fills its second half.
    flipped = content[:early] + bytes([content[early] ^ 4]) + content[early + 1 :]
    path.write_bytes({"truncated": content[:middle], "empty": b"", "flipped": flipped}[damage])
