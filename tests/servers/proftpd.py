"""A real proftpd on loopback, with accounts and a certificate of its own: what the FTP adapter is held against."""

import datetime
import ipaddress
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PROFTPD = Path("/usr/sbin/proftpd")
TLS_MODULE = Path("/usr/lib/proftpd/mod_tls.so")
PASSWORD = "correct-horse"
OUR_HOST = "127.0.0.1"


@dataclass(frozen=True)
class Account:
    """A login that only proftpd knows. ``groups`` are those that it is a member of beside its own, ``uid``."""

    name: str
    uid: int
    groups: tuple[int, ...] = ()


@dataclass(frozen=True)
class Proftpd:
    """A running server. ``ca_file`` is the authority that signed its certificate."""

    port: int
    ca_file: Path
    process: "subprocess.Popen[bytes]"

    def kill_sessions(self) -> int:
        """Kill the processes that serve connections now, so that every one of them is cut; return how many."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for child in children:
            # One that was ending by itself may be gone.
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
        return len(children)


def need_proftpd() -> None:
    """Skip the test where there is no proftpd, or fail it in CI."""
    if os.geteuid() != 0 or not PROFTPD.exists() or not TLS_MODULE.exists():
        reason = "accounts on a real proftpd need root and the Debian packages proftpd-core and proftpd-mod-crypto"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)


@contextmanager
def proftpd(place: Path, jail: Path, accounts: Sequence[Account], *, lines: Sequence[str] = ()) -> Iterator[Proftpd]:
    """Serve ``jail``, which is every account's ``/``, over FTP and FTPS on one port. Adds ``lines`` to its settings."""
    need_proftpd()
    port = free_port()
    _certificates(place)
    _accounts(place, jail, accounts)
    configuration = place / "proftpd.conf"
    settings = [
        "LoadModule mod_tls.c",
        "ServerType standalone",
        f"DefaultAddress {OUR_HOST}",
        "SocketBindTight on",
        f"Port {port}",
        "UseIPv6 off",
        "UseReverseDNS off",
        "User root",
        "Group root",
        f"PidFile {place / 'proftpd.pid'}",
        f"ScoreboardFile {place / 'scoreboard'}",
        f"SystemLog {place / 'proftpd.log'}",
        "WtmpLog off",
        "DelayEngine off",
        "AuthOrder mod_auth_file.c",
        f"AuthUserFile {place / 'accounts'}",
        f"AuthGroupFile {place / 'groups'}",
        "RequireValidShell off",
        f"DefaultRoot {jail}",
        "Umask 007",
        "AllowOverwrite on",
        *(() if "TLSEngine off" in lines else ("TLSEngine on",)),
        # As proftpd is by default, a data connection must resume the control connection's TLS session.
        f"TLSLog {place / 'tls.log'}",
        f"TLSECCertificateFile {place / 'server.pem'}",
        f"TLSECCertificateKeyFile {place / 'server.key'}",
        *lines,
    ]
    configuration.write_text("\n".join(settings) + "\n")
    with (place / "proftpd.out").open("wb") as out:
        process = subprocess.Popen([str(PROFTPD), "-n", "-c", str(configuration)], stdout=out, stderr=out)
    try:
        _wait_for(port, process, place)
        yield Proftpd(port, place / "ca.pem", process)
    finally:
        process.terminate()
        process.wait(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((OUR_HOST, 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: "subprocess.Popen[bytes]", place: Path) -> None:
    deadline = time.monotonic() + 15
    while True:
        try:
            socket.create_connection((OUR_HOST, port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"proftpd does not answer: {(place / 'proftpd.out').read_text()}")
            time.sleep(0.02)
        else:
            return


def _accounts(place: Path, jail: Path, accounts: Sequence[Account]) -> None:
    # perl is in every Debian, and its crypt is the system's: Python has none any more.
    hashed = subprocess.run(
        ["perl", "-e", "print crypt($ARGV[0], '$6$onboarding$')", PASSWORD], check=True, capture_output=True, text=True
    ).stdout
    users = [f"{one.name}:{hashed}:{one.uid}:{one.uid}::{jail}:/bin/false" for one in accounts]
    groups = [
        f"{one.name}:x:{one.uid}:{','.join(other.name for other in accounts if one.uid in other.groups)}"
        for one in accounts
    ]
    for name, written in (("accounts", users), ("groups", groups)):
        file = place / name
        file.write_text("\n".join(written) + "\n")
        file.chmod(0o600)


def _certificates(place: Path) -> None:
    """Make an authority (``ca.pem``) and a certificate of it for loopback (``server.pem``, ``server.key``)."""
    authority, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in ("Test authority", OUR_HOST)]
    signs = x509.BasicConstraints(ca=True, path_length=0)
    serves = x509.BasicConstraints(ca=False, path_length=None)
    for file, key, name, constraints in (
        ("ca.pem", authority, names[0], signs),
        ("server.pem", server, names[1], serves),
    ):
        now = datetime.datetime.now(datetime.UTC)
        built = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(names[0])
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=2))
            .add_extension(constraints, critical=True)
            .add_extension(_key_usage(signs_certificates=constraints is signs), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
        )
        if constraints is serves:
            address = x509.IPAddress(ipaddress.ip_address(OUR_HOST))
            built = built.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        (place / file).write_bytes(built.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    secret = place / "server.key"
    secret.write_bytes(
        server.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    secret.chmod(0o600)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
