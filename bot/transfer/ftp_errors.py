"""What ftplib and the socket raise, said in the words of the port. No message holds a secret.

An FTP answer has one code, 550, for what is not there and what is not allowed alike (RFC 959, section 4.2): the words
after it tell them apart. They are those of the operating system, in the server's language.
"""

import ftplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from bot.onboarding.transfer import (
    CertificateUnknown,
    LoginRefused,
    PathDenied,
    PathMissing,
    ServerUnreachable,
    TransferError,
)
from bot.transfer.local import reason_of

# Codes of commands that a server does not have (RFC 959, section 4.2.1); 202 is one of them and no success.
UNKNOWN_COMMAND = frozenset({"202", "500", "502", "504"})
FULL = frozenset({"452", "552"})

MISSING = (
    "no such file",
    "not found",
    "cannot find",
    "does not exist",
    "doesn't exist",
    "aucun fichier ou dossier",
    "no existe el fichero o el directorio",
)
DENIED = (
    "permission denied",
    "not permitted",
    "access is denied",
    "access denied",
    "not allowed",
    "forbidden",
    "permission non accordée",
    "opération non permise",
    "permiso denegado",
    "operación no permitida",
)


@contextmanager
def connection_errors(service: str, address: str) -> Iterator[None]:
    """Turn what goes wrong before the login into CertificateUnknown or ServerUnreachable."""
    try:
        yield
    except ssl.SSLCertVerificationError as wrong:
        raise CertificateUnknown(
            address,
            f"the server's certificate is not accepted ({wrong.verify_message.rstrip('.')}). No password was sent. "
            "TRANSFER__CA_FILE names the authority of that certificate, TRANSFER__HOST the name that stands in it",
        ) from wrong
    except (ftplib.Error, OSError, EOFError) as trouble:
        raise ServerUnreachable(service, f"no connection to {address}: {said(trouble)}") from trouble


@contextmanager
def login_errors(service: str, address: str, username: str) -> Iterator[None]:
    """Turn what goes wrong with the name and the password into LoginRefused or ServerUnreachable."""
    try:
        yield
    except (ftplib.error_perm, ftplib.error_reply) as refused:
        # The server's own words are left out: it may repeat what it was sent.
        raise LoginRefused(username, f"{address} refuses this account's name or password") from refused
    except ftplib.error_temp as later:
        raise ServerUnreachable(service, f"{address} lets {username} not in now ({code(later)})") from later
    except (ftplib.Error, OSError, EOFError) as trouble:
        raise ServerUnreachable(service, f"{address} broke off while {username} was logging in") from trouble


@contextmanager
def path_errors(service: str, path: str) -> Iterator[None]:
    """Turn what a remote call raises into PathMissing, PathDenied, ServerUnreachable or TransferError."""
    try:
        yield
    except ftplib.Error as answer:
        raise _refusal(service, path, answer) from answer
    except (OSError, EOFError) as lost:
        raise ServerUnreachable(service, f"the connection was lost at {path}: {said(lost)}") from lost


def _refusal(service: str, path: str, answer: ftplib.Error) -> Exception:
    reply, told = words(answer), words(answer, path)
    if has_words(told, MISSING):
        return PathMissing(path, "no such file or directory")
    if has_words(told, DENIED):
        return PathDenied(path, "permission denied")
    if isinstance(answer, ftplib.error_temp) and code(answer) not in FULL:
        return ServerUnreachable(service, f"{path} cannot be had now, the server answers: {reply}")
    return TransferError(path, f"the server answers: {reply}")


def code(answer: ftplib.Error) -> str:
    """Return the three digits of an answer."""
    return str(answer)[:3]


def words(answer: ftplib.Error, without: str = "") -> str:
    """Return an answer as one line, its code included. The wire holds UTF-8 (RFC 2640), ftplib was told Latin-1.

    ``without`` is left out: a path that the answer repeats may hold any word.
    """
    reply = str(answer).encode("latin-1", "replace").decode("utf-8", "replace")
    return " ".join((reply.replace(without, "") if without else reply).split())


def has_words(reply: str, known: tuple[str, ...]) -> bool:
    """Say whether an answer holds one of the known words, whatever its case."""
    return any(word in reply.casefold() for word in known)


def said(trouble: BaseException) -> str:
    """Return one line on what happened to the connection."""
    if isinstance(trouble, ftplib.Error):
        return f"it does not speak FTP as it should ({words(trouble)[:80]})"
    if isinstance(trouble, EOFError):
        return "it was closed"
    return reason_of(trouble)
