"""The file of an SSH public key that a partner uploads: read as the line that the form's field takes.

Nothing of it is kept but that line. A private key is recognised by its words, and by what no public key has: more than
text; it is neither stored nor shown nor logged.
"""

import base64
import binascii

from bot.locales import say
from bot.onboarding.answer_types import WrongAnswer, holds_private_key

# The longest RSA key of ssh-keygen, 16,384 bits, has a line of 2,800 characters.
LARGEST_KEY_FILE = 16 * 1024
RFC4716_BEGIN, RFC4716_END = "---- BEGIN SSH2 PUBLIC KEY ----", "---- END SSH2 PUBLIC KEY ----"


def key_line(content: bytes) -> str:
    """Return a key file's content as one line of OpenSSH's form; what is no such key is left for the form's check.

    PuTTYgen saves public keys in the form of RFC 4716, which is rewritten. Raises WrongAnswer for a private key, and
    for a file that cannot be a public key's.
    """
    # A private key may be there in letters of two bytes, as Windows' Notepad can save it.
    if any(holds_private_key(content.decode(encoding, "replace")) for encoding in ("latin-1", "utf-16")):
        raise WrongAnswer(say("answers.private_key"))
    if len(content) > LARGEST_KEY_FILE:
        raise WrongAnswer(say("web.key_file.too_big", size=len(content), limit=LARGEST_KEY_FILE))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise WrongAnswer(say("web.key_file.no_text")) from None
    if "\0" in text:
        raise WrongAnswer(say("web.key_file.no_text"))
    text = text.strip()
    return _from_rfc4716(text) if text.startswith(RFC4716_BEGIN) else text


def _from_rfc4716(text: str) -> str:
    lines = text.replace("\r\n", "\n").split("\n")[1:]
    body: list[str] = []
    in_header = False
    for line in lines:
        if line.strip() == RFC4716_END:
            break
        if in_header or ":" in line:
            in_header = line.endswith("\\")
            continue
        body.append(line.strip())
    try:
        blob = base64.b64decode("".join(body), validate=True)
        length = int.from_bytes(blob[:4])
        algorithm = blob[4 : 4 + length].decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        raise WrongAnswer(say("web.key_file.no_text")) from None
    return f"{algorithm} {''.join(body)}"
