"""FTP with explicit TLS (FTPS), and plain FTP where the settings ask for it, with ftplib.

The server's certificate is verified before anything is sent, transfers are binary and passive, and every wait has an
end. What the protocol may leave out is told and not guessed: listings are MLSD and MLST (RFC 3659), never the text of
LIST, which each server writes as it likes; an entry whose rights the server does not show has none of them here; and
``set_mode`` says whether there is a SITE CHMOD. What a kill between two lines leaves behind: as over SFTP.
"""

import hashlib
import ssl
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from ftplib import FTP, error_perm, error_reply
from pathlib import Path
from socket import SO_KEEPALIVE, SOL_SOCKET

from bot.onboarding.transfer import (
    CertificateUnknown,
    LoginRefused,
    NotOffered,
    PathDenied,
    PathMissing,
    RemoteEntry,
    TransferError,
    TransferSession,
)
from bot.transfer.ftp_client import LATIN_1, TlsClient, leave, receive, send, unwire, wire
from bot.transfer.ftp_errors import (
    UNKNOWN_COMMAND,
    code,
    connection_errors,
    has_words,
    login_errors,
    path_errors,
    words,
)
from bot.transfer.ftp_facts import NEEDED_FACTS, UNIX_FACTS, Facts, entry_of, is_file, read_facts
from bot.transfer.local import keep, local_errors, reason_of
from bot.transfer.settings import Credential, TransferSettings

CONNECT_SECONDS = 15.0
ANSWER_SECONDS = 60.0  # as over SFTP


class FtpTransfer:
    """Logs in to the server of the settings. It connects when a session is entered, not before."""

    def __init__(self, settings: TransferSettings) -> None:
        self._settings = settings
        self._service = settings.protocol.upper()

    def session(self) -> AbstractContextManager[TransferSession]:
        """Log in with the bot's own account.

        Raises LoginRefused, CertificateUnknown, NotOffered, ServerUnreachable on entering.
        """
        return self._login(self._settings)

    def partner_session(self, partner: str) -> AbstractContextManager[TransferSession] | None:
        """Log in as the partner with its test credential; None when the settings hold none."""
        account = self._settings.partner_account(partner)
        return None if account is None else self._login(account)

    def owner_name(self, entry: RemoteEntry) -> str:
        """Name an entry's owner: ``uid 1003``, or ``—`` where the server does not show it.

        The fact UNIX.ownername is not used: proftpd 1.3.8 gives the name of the account that asks, whoever the owner.
        """
        return "—" if entry.uid is None else f"uid {entry.uid}"

    @contextmanager
    def _login(self, credential: Credential) -> Iterator[TransferSession]:
        settings, username = self._settings, credential.username
        address = f"{settings.host}:{settings.port}"
        client = self._client(address)
        try:
            with connection_errors(self._service, address):
                client.connect(settings.host, settings.port, timeout=CONNECT_SECONDS)
                if client.sock is not None:
                    client.sock.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1)
                if isinstance(client, TlsClient):
                    _start_tls(client, address)
            client.timeout = ANSWER_SECONDS
            if client.sock is not None:
                client.sock.settimeout(ANSWER_SECONDS)
            with login_errors(self._service, address, username):
                _name_and_password(client, address, credential)
            _agree(client, self._service, address)
            yield FtpSession(client, self._service)
        except BaseException:
            client.close()
            raise
        leave(client)

    def _client(self, address: str) -> FTP:
        if self._settings.protocol == "ftp":
            return FTP(encoding=LATIN_1)  # noqa: S321 - asked for in the settings, and the doctor warns of it
        file = self._settings.ca_file
        try:
            context = ssl.create_default_context(cafile=file)
        except OSError as unreadable:
            raise CertificateUnknown(
                address,
                f"the file {file} cannot be used ({reason_of(unreadable)}): TRANSFER__CA_FILE names a file in PEM form "
                "with the certificate of the authority that vouches for the server",
            ) from unreadable
        return TlsClient(context=context, encoding=LATIN_1)


class FtpSession:
    """One logged-in connection; see bot.onboarding.transfer.TransferSession."""

    def __init__(self, client: FTP, service: str) -> None:
        self._client = client
        self._service = service

    def entries(self, path: str) -> list[RemoteEntry]:
        """List a directory, sorted by name. A link is an entry of its own, not what it points to."""
        return sorted((entry_of(name, facts) for name, facts in self._listing(path).items()), key=lambda one: one.name)

    def entry(self, path: str) -> RemoteEntry | None:
        """Stat one path; None when there is nothing."""
        try:
            with path_errors(self._service, path):
                answer = self._client.sendcmd(f"MLST {wire(path)}")
        except PathMissing:
            return None
        except TransferError:
            # proftpd has the same words for what is missing and what is denied: the directory above knows better.
            above, _, name = path.rstrip("/").rpartition("/")
            if not name:
                raise
            return self._sought(path, above or "/", name)
        name = path.rstrip("/").rpartition("/")[2] or "/"
        for line in answer.splitlines()[1:]:
            if "=" in line:
                return entry_of(name, read_facts(line.strip().partition(" ")[0]))
        raise TransferError(path, "the server's answer to MLST holds no facts")

    def make_directory(self, path: str, mode: int) -> bool:
        """Make one directory and set its mode, setgid included. It must not exist. Returns as ``set_mode``."""
        try:
            with path_errors(self._service, path):
                self._client.mkd(wire(path))
        except TransferError as refused:
            # FTP has no code for "it exists", only words.
            if type(refused) is TransferError and self.entry(path) is not None:
                raise TransferError(path, "it exists already") from refused
            raise
        return self.set_mode(path, mode)

    def set_mode(self, path: str, mode: int) -> bool:
        """Set the permission bits, and look whether they held where the server shows them.

        False where there is no SITE CHMOD, or the server's configuration forbids it: nothing has changed.
        """
        with path_errors(self._service, path):
            try:
                self._client.voidcmd(f"SITE CHMOD {mode:04o} {wire(path)}")
            except error_perm as refused:
                if code(refused) in UNKNOWN_COMMAND or self._is_forbidden(path, words(refused, path)):
                    return False
                raise
        if self._client.lastresp in UNKNOWN_COMMAND:
            return False
        found = self.entry(path)
        if found is not None and found.mode is not None and found.mode != mode:
            raise TransferError(
                path,
                f"its mode is {found.mode:04o} although {mode:04o} was set: the server took bits away "
                "(setgid needs an account that is a member of the directory's group)",
            )
        return True

    def fetch(self, path: str, to: Path) -> str:
        """Copy a remote file to ``to``, on disk before it has its name; return the sha256 of the bytes in hex."""
        with closing(self._blocks(path)) as blocks:
            return keep(blocks, to)

    def sha256(self, path: str) -> str:
        """Read a remote file and return the sha256 of its bytes in hex."""
        digest = hashlib.sha256()
        with closing(self._blocks(path)) as blocks:
            for block in blocks:
                digest.update(block)
        return digest.hexdigest()

    def put(self, source: Path, path: str) -> None:
        """Upload to ``<path>.part``, compare the size, rename over ``path``."""
        aside = f"{path}.part"
        with local_errors(path):
            local = source.open("rb")
        with local, path_errors(self._service, aside):
            sent = send(self._client, f"STOR {wire(aside)}", local, path)
        found = self.entry(aside)
        arrived = 0 if found is None else found.size
        if arrived != sent:
            raise TransferError(path, f"{sent} bytes were sent and {arrived} arrived: nothing was put in its place")
        self.move(aside, path)

    def move(self, path: str, to: str) -> None:
        """Rename a file, over an existing one if there is one and the server replaces files."""
        with path_errors(self._service, path):
            self._client.rename(wire(path), wire(to))

    def remove(self, path: str) -> None:
        """Delete one file; nothing happens when it is gone already."""
        with suppress(PathMissing), path_errors(self._service, path):
            self._client.delete(wire(path))

    def _listing(self, path: str) -> dict[str, Facts]:
        """Return the facts of a directory's entries by name, without itself and the one above."""
        with path_errors(self._service, path), closing(receive(self._client, f"MLSD {wire(path)}", "A")) as blocks:
            lines = b"".join(blocks).decode(LATIN_1).split("\n")
        found: dict[str, Facts] = {}
        for line in lines:
            written, _, name = line.rstrip("\r").partition(" ")
            facts = read_facts(written)
            if name and facts.get("type", "").lower() not in {"cdir", "pdir"}:
                found[unwire(path, name)] = facts
        return found

    def _sought(self, path: str, folder: str, name: str) -> RemoteEntry | None:
        """Look for a path in the directory above it. Raises PathDenied where that one cannot be read."""
        above = self.entry(folder)
        if above is None or not above.is_directory:
            return None
        try:
            listing = self._listing(folder)
        except PathDenied as closed:
            raise PathDenied(path, closed.reason) from closed
        return entry_of(name, listing[name]) if name in listing else None

    def _blocks(self, path: str) -> Generator[bytes]:
        """Yield a remote file's bytes in order.

        Raises TransferError for anything but a regular file (a link could lead to another partner's file), and when
        the size is not the same before, during and after.
        """
        size = self._size_of_file(path)
        received = 0
        with path_errors(self._service, path), closing(receive(self._client, f"RETR {wire(path)}", "I")) as blocks:
            for block in blocks:
                received += len(block)
                yield block
        entry = self.entry(path)
        now = 0 if entry is None else entry.size
        if received != size or now != size:
            raise TransferError(
                path, f"the file had {size} bytes when reading began, {received} came, and it has {now} now"
            )

    def _size_of_file(self, path: str) -> int:
        """Return the size of a regular file. Only a listing tells a link from a file: MLST looks through it."""
        folder, _, name = path.rpartition("/")
        entry = self.entry(path)
        if entry is None:
            raise PathMissing(path, "no such file or directory")
        if not entry.is_directory:
            listed = self._listing(folder or "/").get(name, {})
            if is_file(listed):
                return entry_of(name, listed).size
        raise TransferError(path, "this is not a regular file (links are not followed)")

    def _is_forbidden(self, path: str, reply: str) -> bool:
        """Tell a SITE CHMOD that is forbidden to everybody from one that this account may not do here.

        Unix answers a chmod by another than the owner with "Operation not permitted". "Permission denied" is its word
        for a path that cannot be reached; where the path can be, it is the server's own.
        """
        if not has_words(reply, ("permission denied",)):
            return False
        try:
            return self.entry(path) is not None
        except TransferError:
            return False


def _start_tls(client: TlsClient, address: str) -> None:
    """Protect the control connection; its certificate is verified in this. Raises NotOffered, and as ftplib."""
    try:
        client.auth()
    except error_perm as refused:
        raise NotOffered(
            address,
            f"it has no explicit TLS (it answers: {words(refused)}). No password was sent. Have TLS switched on there, "
            "or set another TRANSFER__PROTOCOL: sftp, or ftp where nobody else can listen",
        ) from refused


def _name_and_password(client: FTP, address: str, credential: Credential) -> None:
    password = "" if credential.password is None else credential.password.get_secret_value()
    # Sent as it is, a line break would begin another command.
    if set(credential.username + password) & {"\r", "\n"}:
        raise LoginRefused(credential.username, "its name or password holds a line break, which cannot go over FTP")
    try:
        answer = client.sendcmd(f"USER {wire(credential.username)}")
    except error_perm as refused:
        if not isinstance(client, TlsClient) and has_words(
            words(refused, credential.username), ("tls", "ssl", "encrypt")
        ):
            raise LoginRefused(
                credential.username,
                f"{address} takes no login over plain FTP (it answers: {words(refused)}). No password was sent: "
                "set TRANSFER__PROTOCOL=ftps",
            ) from refused
        raise
    if answer[0] == "3":
        answer = client.sendcmd(f"PASS {wire(password)}")
    if answer[0] != "2":
        raise error_reply(answer)  # noqa: S321 - an exception, no call


def _agree(client: FTP, service: str, address: str) -> None:
    """Protect the data, ask what the server can do, and for what is used here of it. Raises NotOffered."""
    with path_errors(service, address):
        if isinstance(client, TlsClient):
            try:
                client.prot_p()
            except error_perm as refused:
                raise NotOffered(
                    address, f"it does not protect data connections with TLS (PROT P): {words(refused)}"
                ) from refused
        try:
            offered = client.sendcmd("FEAT").splitlines()[1:-1]
        except error_perm:
            offered = []
        features = {name.upper(): rest for name, _, rest in (line.strip().partition(" ") for line in offered)}
        facts = {fact.rstrip("*").lower() for fact in features.get("MLST", "").split(";")}
        if not facts.issuperset(NEEDED_FACTS):
            raise NotOffered(
                address,
                "it has no MLSD and MLST with type, size and modify (RFC 3659), without which a listing is guesswork. "
                "Have them switched on there, or use an SFTP account (TRANSFER__PROTOCOL=sftp)",
            )
        wanted = [fact for fact in (*NEEDED_FACTS, *UNIX_FACTS) if fact in facts]
        with suppress(error_perm):
            client.sendcmd(f"OPTS MLST {''.join(f'{fact};' for fact in wanted)}")
        if "UTF8" in features:
            with suppress(error_perm):
                client.sendcmd("OPTS UTF8 ON")
