"""Who is who on the sandbox's SFTP server, and whose each file is.

Everything on disk belongs to the one user who runs the sandbox, so owners and groups are kept here, by inode, and in
memory: after a restart what was there before counts as the bot's own, its group that of the partner's folder above it.
"""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

ROOT_ID = 0
BOT_ID = 1000
FIRST_PARTNER_ID = 2001

READ, WRITE, SEARCH = 4, 2, 1


@dataclass(frozen=True)
class Owner:
    """A user id and a group id."""

    uid: int
    gid: int


@dataclass
class Account:
    """A login. ``home`` is the folder that it sees as ``/``; it is a member of ``groups``."""

    name: str
    password: str
    uid: int
    home: Path
    groups: set[int] = field(default_factory=set)

    @property
    def gid(self) -> int:
        """The main group, which has the account's own number."""
        return self.uid


class Accounts:
    """The bot's account, which is in every partner's group, and one account for each partner."""

    def __init__(self, root: Path, bot: tuple[str, str]) -> None:
        self._root = root
        self._bot = Account(*bot, uid=BOT_ID, home=root, groups={BOT_ID})
        self._by_name = {self._bot.name: self._bot}
        self._folder_groups: dict[str, int] = {}
        self._owners: dict[tuple[int, int], Owner] = {}

    def add_partner(self, code: str, username: str, password: str) -> None:
        """Do what the administrator does: an account, and its folder ``<root>/<code>`` with mode 2770."""
        if username in self._by_name:
            raise ValueError(f"there is an account {username!r} already")
        uid = FIRST_PARTNER_ID + len(self._folder_groups)
        home = self._root / code
        if not home.exists():
            home.mkdir()
            home.chmod(0o2770)
        self._folder_groups[code] = uid
        self._bot.groups.add(uid)
        self.record(home, Owner(ROOT_ID, uid))
        self._by_name[username] = Account(username, password, uid=uid, home=home, groups={uid})

    def account(self, username: str) -> Account | None:
        """Return the account of that name."""
        return self._by_name.get(username)

    def name_of(self, uid: int) -> str:
        """Return the user's name for a long listing, its number where it has none."""
        return next((account.name for account in self._by_name.values() if account.uid == uid), str(uid))

    def record(self, path: Path, owner: Owner) -> None:
        """Remember whose a file or directory is."""
        status = path.lstat()
        self._owners[status.st_dev, status.st_ino] = owner

    def forget(self, status: os.stat_result) -> None:
        """Forget a file that was deleted: its inode number will be another's."""
        self._owners.pop((status.st_dev, status.st_ino), None)

    def owner(self, status: os.stat_result, path: Path) -> Owner:
        """Return whose a file or directory is."""
        known = self._owners.get((status.st_dev, status.st_ino))
        if known is not None:
            return known
        inside = path.relative_to(self._root).parts
        return Owner(BOT_ID, self._folder_groups.get(inside[0], BOT_ID) if inside else BOT_ID)

    def allows(self, account: Account, path: Path, bits: int) -> bool:
        """Say whether an account has READ, WRITE and SEARCH bits on an existing path, as Unix decides it."""
        status = path.stat()
        owner = self.owner(status, path)
        if account.uid == owner.uid:
            held = status.st_mode >> 6
        elif owner.gid in account.groups:
            held = status.st_mode >> 3
        else:
            held = status.st_mode
        return held & bits == bits

    def heir(self, account: Account, directory: Path) -> Owner:
        """Return whose a new entry of a directory will be: setgid hands the directory's group down."""
        status = directory.stat()
        inherits = bool(status.st_mode & stat.S_ISGID)
        return Owner(account.uid, self.owner(status, directory).gid if inherits else account.gid)
