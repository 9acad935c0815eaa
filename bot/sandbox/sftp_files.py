"""One SFTP session of the sandbox: Unix permissions enforced by the server, and answers as OpenSSH gives them."""

import asyncio
import errno
import os
import posixpath
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from asyncssh import (
    FXF_APPEND,
    FXF_CREAT,
    FXF_EXCL,
    FXF_READ,
    FXF_TRUNC,
    FXF_WRITE,
    SFTPAttrs,
    SFTPBadMessage,
    SFTPError,
    SFTPFailure,
    SFTPName,
    SFTPNoSuchFile,
    SFTPOpUnsupported,
    SFTPPermissionDenied,
    SFTPServer,
    SSHServerChannel,
)

from bot.sandbox.faults import Fault, Faults
from bot.sandbox.sftp_accounts import READ, SEARCH, WRITE, Account, Accounts

UMASK = 0o007
# How OpenSSH's server tells version 3 clients of errno; anything else is "Failure".
MISSING = {errno.ENOENT, errno.ENOTDIR, errno.EBADF, errno.ELOOP}
DENIED = {errno.EPERM, errno.EACCES, errno.EFAULT}
MALFORMED = {errno.ENAMETOOLONG, errno.EINVAL}


@dataclass(frozen=True)
class Done:
    """A change of the tree: ``operation`` is mkdir, rename or remove; paths are those of this disk."""

    operation: str
    account: str
    path: Path
    to: Path | None = None


class FileSession(SFTPServer):
    """What one logged-in account may do to the files below its home, which it sees as ``/``.

    There is no way out of the home: links that lead outside or are absolute are missing paths, and making links is
    refused.
    """

    def __init__(
        self,
        channel: SSHServerChannel[bytes],
        account: Account,
        accounts: Accounts,
        faults: Faults,
        done: list[Done],
    ) -> None:
        super().__init__(channel)
        self._done = done
        self._account = account
        self._accounts = accounts
        self._faults = faults
        self._home = account.home.resolve()

    # --- where a path leads, and who may go there -------------------------------------------------------------------

    def _locate(self, path: bytes, *, follow: bool = True) -> Path:
        """Return the place on disk. Every directory on the way needs its search bit. The last part may be missing."""
        asked = posixpath.normpath(b"/" + path).lstrip(b"/")
        here = self._home
        parts = [part for part in os.fsdecode(asked).split("/") if part]
        for number, part in enumerate(parts, start=1):
            if not here.is_dir():
                raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            self._need(here, SEARCH)
            here /= part
            if here.is_symlink() and (follow or number < len(parts)):
                here = self._through_link(here)
        return here

    def _through_link(self, link: Path) -> Path:
        # Strict: a link in a circle or to nothing is a missing path.
        target = Path(os.path.realpath(link, strict=True))
        if link.readlink().is_absolute() or not target.is_relative_to(self._home):
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        return target

    def _need(self, path: Path, bits: int) -> None:
        if not self._accounts.allows(self._account, path, bits):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    def _need_entry_rights(self, path: Path) -> None:
        """Making, renaming and deleting an entry need write and search on its directory; ``/`` is no entry."""
        if path == self._home:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        self._need(path.parent, WRITE | SEARCH)

    # --- faults and errors ------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _operation(self, name: str) -> AsyncIterator[None]:
        fault = self._faults.take(name, self._account.name)
        if fault is not None:
            await self._before(fault)
        try:
            yield
        except OSError as trouble:
            raise _as_openssh(trouble) from trouble
        if fault is not None and fault.kind == "drop_after":
            self.connection.abort()

    async def _before(self, fault: Fault) -> None:
        match fault.kind:
            case "drop_before":
                self.connection.abort()
                raise SFTPFailure("Failure")
            case "delay":
                await asyncio.sleep(fault.seconds)
            case "rate_limited" | "server_error":
                raise SFTPFailure("Failure")

    # --- files ------------------------------------------------------------------------------------------------------

    async def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> object:
        """Open or make a file. A new one is the account's, group by setgid, mode after umask 007."""
        async with self._operation("open"):
            place = self._locate(path)
            exists = place.exists()
            if exists:
                self._check_open(place, pflags)
            elif pflags & FXF_CREAT:
                self._need_entry_rights(place)
            # Only after the checks: the process itself may do everything here.
            descriptor = os.open(place, _flags(pflags) | os.O_NOFOLLOW, 0o600)
            if not exists:
                wanted = 0o666 if attrs.permissions is None else attrs.permissions
                os.fchmod(descriptor, wanted & 0o777 & ~UMASK)
                self._accounts.record(place, self._accounts.heir(self._account, place.parent))
            else:
                # An open file is known by its inode alone: keep what its path says about it now.
                self._accounts.record(place, self._accounts.owner(place.lstat(), place))
            return os.fdopen(descriptor, "r+b" if _reads_and_writes(pflags) else _one_way(pflags), buffering=0)

    def _check_open(self, place: Path, pflags: int) -> None:
        if pflags & FXF_CREAT and pflags & FXF_EXCL:
            raise OSError(errno.EEXIST, os.strerror(errno.EEXIST))
        if place.is_dir():
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        reading = READ if pflags & FXF_READ or not pflags & FXF_WRITE else 0
        writing = WRITE if pflags & (FXF_WRITE | FXF_APPEND | FXF_TRUNC) else 0
        self._need(place, reading | writing)

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """Read from an open file."""
        async with self._operation("read"):
            file: Any = file_obj
            file.seek(offset)
            return bytes(file.read(size))

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Write to an open file."""
        async with self._operation("write"):
            file: Any = file_obj
            file.seek(offset)
            return int(file.write(data))

    async def remove(self, path: bytes) -> None:
        """Delete a file; a directory is refused."""
        async with self._operation("remove"):
            place = self._locate(path, follow=False)
            status = place.lstat()
            self._need_entry_rights(place)
            place.unlink()
            self._done.append(Done("remove", self._account.name, place))
            self._accounts.forget(status)

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename as SFTP version 3 does: an existing target is a failure."""
        async with self._operation("rename"):
            self._rename(oldpath, newpath, over=False)

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename over whatever is there (posix-rename@openssh.com)."""
        async with self._operation("rename"):
            self._rename(oldpath, newpath, over=True)

    def _rename(self, oldpath: bytes, newpath: bytes, *, over: bool) -> None:
        old, new = self._locate(oldpath, follow=False), self._locate(newpath, follow=False)
        old.lstat()
        self._need_entry_rights(old)
        self._need_entry_rights(new)
        replaced = new.lstat() if new.exists() or new.is_symlink() else None
        if replaced is not None and not over:
            raise OSError(errno.EEXIST, os.strerror(errno.EEXIST))
        old.replace(new)
        self._done.append(Done("rename", self._account.name, old, new))
        if replaced is not None and not os.path.samestat(replaced, new.lstat()):
            self._accounts.forget(replaced)

    # --- directories ------------------------------------------------------------------------------------------------

    async def mkdir(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Make a directory: mode after umask 007, group and setgid from the one above."""
        async with self._operation("mkdir"):
            place = self._locate(path, follow=False)
            if place.exists() or place.is_symlink():
                raise OSError(errno.EEXIST, os.strerror(errno.EEXIST))
            self._need_entry_rights(place)
            wanted = 0o777 if attrs.permissions is None else attrs.permissions
            inherited = place.parent.stat().st_mode & stat.S_ISGID
            place.mkdir()
            self._done.append(Done("mkdir", self._account.name, place))
            place.chmod(wanted & 0o777 & ~UMASK | inherited)
            self._accounts.record(place, self._accounts.heir(self._account, place.parent))

    async def rmdir(self, path: bytes) -> None:
        """Delete an empty directory."""
        async with self._operation("remove"):
            place = self._locate(path, follow=False)
            status = place.lstat()
            self._need_entry_rights(place)
            place.rmdir()
            self._accounts.forget(status)

    def scandir(self, path: bytes) -> AsyncIterator[SFTPName]:
        """List a directory. Refused when it is opened, as OpenSSH does, not when it is first read."""
        try:
            place = self._locate(path)
            names = sorted(os.listdir(place))
            self._need(place, READ)
        except OSError as trouble:
            raise _as_openssh(trouble) from trouble
        return self._names(place, names)

    async def _names(self, place: Path, names: list[str]) -> AsyncIterator[SFTPName]:
        async with self._operation("list"):
            # Without search permission the names are seen, and nothing more.
            searchable = self._accounts.allows(self._account, place, SEARCH)
            listed = [SFTPName(b".", attrs=self._attributes(place)), SFTPName(b"..", attrs=self._attributes(place))]
            for name in names:
                entry = place / name
                if searchable and (entry.exists() or entry.is_symlink()):
                    listed.append(SFTPName(os.fsencode(name), attrs=self._attributes(entry)))
                elif not searchable:
                    listed.append(SFTPName(os.fsencode(name), attrs=SFTPAttrs()))
        for found in listed:
            yield found

    def format_user(self, uid: int | None) -> str:
        """Return the user's name for the long form of a listing."""
        return "" if uid is None else self._accounts.name_of(uid)

    def format_group(self, gid: int | None) -> str:
        """Return the group's name, which is its account's."""
        return "" if gid is None else self._accounts.name_of(gid)

    # --- attributes -------------------------------------------------------------------------------------------------

    async def stat(self, path: bytes) -> SFTPAttrs:
        """Return a path's attributes, through links."""
        async with self._operation("stat"):
            return self._attributes(self._locate(path))

    async def lstat(self, path: bytes) -> SFTPAttrs:
        """Return a path's attributes, a link's own if it is one."""
        async with self._operation("stat"):
            return self._attributes(self._locate(path, follow=False))

    async def fstat(self, file_obj: object) -> SFTPAttrs:
        """Return an open file's attributes."""
        async with self._operation("stat"):
            file: Any = file_obj
            return self._with_owner(os.fstat(file.fileno()), self._home)

    def _attributes(self, place: Path) -> SFTPAttrs:
        return self._with_owner(place.lstat(), place)

    def _with_owner(self, status: os.stat_result, place: Path) -> SFTPAttrs:
        attributes = SFTPAttrs.from_local(status)
        owner = self._accounts.owner(status, place)
        attributes.uid, attributes.gid = owner.uid, owner.gid
        return attributes

    async def setstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Change mode, times, size or group; the owner only."""
        async with self._operation("setstat"):
            place = self._locate(path)
            self._set_attributes(place, place, attrs)

    async def fsetstat(self, file_obj: object, attrs: SFTPAttrs) -> None:
        """Change the attributes of an open file."""
        async with self._operation("setstat"):
            file: Any = file_obj
            self._set_attributes(file.fileno(), self._home, attrs)

    def _set_attributes(self, target: Path | int, place: Path, attrs: SFTPAttrs) -> None:
        status = os.stat(target)
        owner = self._accounts.owner(status, place)
        changes_owner = (attrs.uid, attrs.gid) not in {(None, None), (owner.uid, owner.gid)}
        changes_mode_or_times = attrs.permissions is not None or attrs.atime is not None
        if changes_owner or (changes_mode_or_times and owner.uid != self._account.uid):
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))
        if attrs.size is not None:
            if not isinstance(target, int):
                self._need(place, WRITE)
            os.truncate(target, attrs.size)
        if attrs.permissions is not None:
            mode = attrs.permissions & 0o7777
            if owner.gid not in self._account.groups:
                # Unix says nothing and drops setgid when the group is not one's own.
                mode &= ~stat.S_ISGID
            os.chmod(target, mode)
        if attrs.atime is not None and attrs.mtime is not None:
            os.utime(target, (attrs.atime, attrs.mtime))

    def realpath(self, path: bytes) -> bytes:
        """Return the absolute form of a path as the account sees it. Links stay as they are."""
        return b"/" + posixpath.normpath(b"/" + path).lstrip(b"/")

    # --- what this server does not do -------------------------------------------------------------------------------

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        """Refuse: a link could lead out of the account's own folder."""
        raise SFTPPermissionDenied("Permission denied")

    def link(self, oldpath: bytes, newpath: bytes) -> None:
        """Refuse, as for symbolic links."""
        raise SFTPPermissionDenied("Permission denied")

    def readlink(self, path: bytes) -> bytes:
        """Refuse: a link's target is a path of this machine."""
        raise SFTPOpUnsupported("Operation unsupported")

    def lsetstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Refuse: nobody needs a link's own attributes changed."""
        raise SFTPOpUnsupported("Operation unsupported")

    def statvfs(self, path: bytes) -> NoReturn:
        """Refuse: it would tell about the disk of this machine."""
        raise SFTPOpUnsupported("Operation unsupported")

    def fstatvfs(self, file_obj: object) -> NoReturn:
        """Refuse, as for ``statvfs``."""
        raise SFTPOpUnsupported("Operation unsupported")


def _as_openssh(trouble: OSError) -> SFTPError:
    if trouble.errno in MISSING:
        return SFTPNoSuchFile("No such file")
    if trouble.errno in DENIED:
        return SFTPPermissionDenied("Permission denied")
    if trouble.errno in MALFORMED:
        return SFTPBadMessage("Bad message")
    return SFTPFailure("Failure")


def _reads_and_writes(pflags: int) -> bool:
    return bool(pflags & FXF_READ and pflags & FXF_WRITE)


def _one_way(pflags: int) -> str:
    return "wb" if pflags & FXF_WRITE else "rb"


def _flags(pflags: int) -> int:
    direction = os.O_RDWR if _reads_and_writes(pflags) else os.O_WRONLY if pflags & FXF_WRITE else os.O_RDONLY
    wanted = {FXF_APPEND: os.O_APPEND, FXF_CREAT: os.O_CREAT, FXF_TRUNC: os.O_TRUNC, FXF_EXCL: os.O_EXCL}
    for asked, flag in wanted.items():
        if pflags & asked:
            direction |= flag
    return direction
