"""The files of a pack's folder: read within limits, nothing outside the folder, and their common digest."""

import os
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from checklists.problem import PackProblem


@dataclass
class PackFolder:
    """The regular files below a folder by their name in the pack (``checks/tax.sql``), and what was refused."""

    path: Path
    files: dict[str, Path] = field(default_factory=dict)
    problems: list[PackProblem] = field(default_factory=list)

    def read(self, name: str) -> bytes:
        """Return a file's bytes. Raises KeyError for a file that the pack does not have."""
        return self.files[name].read_bytes()

    def digest(self) -> str:
        """Return the sha256 over names and contents of all files, in the order of their names."""
        whole = sha256()
        for name in sorted(self.files):
            content = self.files[name].read_bytes()
            # Lengths between the parts: no two different packs give the same stream of bytes.
            whole.update(f"{len(name.encode())}:{name}:{len(content)}:".encode())
            whole.update(content)
        return whole.hexdigest()


def open_folder(path: Path) -> PackFolder:
    """List a pack's files; a link that leaves the folder, or anything that is no regular file, is a problem."""
    folder = PackFolder(path.resolve())
    for directory, subdirectories, names in os.walk(folder.path):
        for name in (*subdirectories, *names):
            entry = Path(directory, name)
            _take(folder, entry)
    return folder


def _take(folder: PackFolder, entry: Path) -> None:
    name = entry.relative_to(folder.path).as_posix()
    if not entry.resolve().is_relative_to(folder.path):
        message = "a symbolic link that leaves the pack's folder"
        folder.problems.append(PackProblem(name, None, None, message, "put the file itself into the pack"))
    elif entry.is_symlink() and entry.is_dir():
        message = "a symbolic link to a folder"
        folder.problems.append(PackProblem(name, None, None, message, "put the files themselves into the pack"))
    elif entry.is_file():
        folder.files[name] = entry
    elif not entry.is_dir():
        message = "neither a file nor a folder"
        folder.problems.append(PackProblem(name, None, None, message, "remove it"))
