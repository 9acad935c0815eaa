"""What paramiko and the socket raise, said in the words of the port. No message holds a secret."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from paramiko import AuthenticationException, BadHostKeyException, SFTPClient, SSHClient, SSHException
from paramiko.sftp import SFTPError

from bot.onboarding.transfer import (
    HostKeyUnknown,
    LoginRefused,
    PathDenied,
    PathMissing,
    ServerUnreachable,
    TransferError,
)
from bot.transfer.local import reason_of

SERVICE = "SFTP"


@contextmanager
def login_errors(client: SSHClient, address: str, username: str) -> Iterator[None]:
    """Turn what goes wrong while connecting into LoginRefused, HostKeyUnknown or ServerUnreachable."""
    try:
        yield
    except BadHostKeyException as wrong:
        raise HostKeyUnknown(
            address,
            f"the server shows the host key {wrong.key.fingerprint}, the known-hosts file has "
            f"{wrong.expected_key.fingerprint}. Nothing was sent. Ask the server's administrator which one is right",
        ) from wrong
    except AuthenticationException as refused:
        # paramiko raises the same when the connection dies or nobody answers: neither of them is a refusal.
        if not is_alive(client) or "timeout" in str(refused).lower():
            raise ServerUnreachable(SERVICE, f"{address} broke off while {username} was logging in") from refused
        raise LoginRefused(username, f"{address} refuses this account's key or password") from refused
    except (SSHException, OSError, EOFError) as trouble:
        raise ServerUnreachable(SERVICE, f"no connection to {address}: {reason_of(trouble)}") from trouble


@contextmanager
def channel_errors(client: SSHClient, address: str, username: str) -> Iterator[None]:
    """Turn a refused SFTP channel into LoginRefused, and a connection lost meanwhile into ServerUnreachable."""
    try:
        yield
    except (SSHException, OSError, EOFError, SFTPError) as trouble:
        if is_alive(client) and not isinstance(trouble, TimeoutError):
            raise LoginRefused(username, f"{address} takes the login but opens no SFTP for this account") from trouble
        raise ServerUnreachable(
            SERVICE, f"{address} closed the connection of {username} when SFTP was asked for (its chroot may be wrong)"
        ) from trouble


@contextmanager
def path_errors(sftp: SFTPClient, path: str) -> Iterator[None]:
    """Turn what a remote call raises into PathMissing, PathDenied, ServerUnreachable or TransferError."""
    try:
        yield
    except (SSHException, SFTPError, OSError, EOFError) as trouble:
        if _is_lost(sftp, trouble):
            raise ServerUnreachable(SERVICE, f"the connection was lost at {path}: {reason_of(trouble)}") from trouble
        if isinstance(trouble, OSError) and trouble.errno == errno.ENOENT:
            raise PathMissing(path, "no such file or directory") from trouble
        if isinstance(trouble, OSError) and trouble.errno == errno.EACCES:
            raise PathDenied(path, "permission denied") from trouble
        raise TransferError(path, f"the server answers: {reason_of(trouble)}") from trouble


def _is_lost(sftp: SFTPClient, trouble: BaseException) -> bool:
    """Tell a lost connection from an answer. paramiko gives an answer as OSError with ENOENT, EACCES or no errno."""
    if isinstance(trouble, TimeoutError | SSHException | EOFError):
        return True
    if isinstance(trouble, OSError) and trouble.errno not in {None, errno.ENOENT, errno.EACCES}:
        return True
    # A dead channel raises OSError without errno too, as the server's "Failure" does.
    channel = sftp.get_channel()
    return channel is None or channel.closed


def is_alive(client: SSHClient) -> bool:
    """Say whether the client's connection still stands."""
    transport = client.get_transport()
    return transport is not None and transport.is_active()
