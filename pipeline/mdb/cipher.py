"""RC4 with the four-byte keys of the Jet formats: it hides a database from a curious eye, no more."""

from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.ciphers import Cipher


def decoded(page: bytes, database_key: bytes, number: int) -> bytes:
    """Decode an encoded page, or encode it: the one is the other's inverse. The page's number is part of its key."""
    key = (int.from_bytes(database_key, "little") ^ number).to_bytes(4, "little")
    # RC4 goes round its key, so four bytes twice are the same key; the library takes none so short.
    content: bytes = Cipher(ARC4(key * 2), mode=None).decryptor().update(page)
    return content
