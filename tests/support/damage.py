"""Ways in which a file goes bad."""

from pathlib import Path


def harm(path: Path, damage: str) -> None:
    """Damage a file: `truncated` to half, `empty`, or one byte in its middle `flipped`."""
    content = path.read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]
    path.write_bytes({"truncated": content[:middle], "empty": b"", "flipped": flipped}[damage])
