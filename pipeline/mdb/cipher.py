"""RC4 with the four-byte keys of the Jet formats: it hides a database from a curious eye, no more."""

from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.ciphers import Cipher


def rc4(key: bytes, data: bytes) -> bytes:
    """Encode or decode; the one is the other's inverse. ``key`` has four bytes."""
    # RC4 goes round its key, so four bytes twice are the same key; the library takes none so short.
    content: bytes = Cipher(ARC4(key * 2), mode=None).decryptor().update(data)
    return content


def page_key(database_key: bytes, number: int) -> bytes:
    """Return the key of a page: the database's, combined with the page's number."""
    return (int.from_bytes(database_key, "little") ^ number).to_bytes(4, "little")
