"""Proofs on the bot's own disk: files that show that a box is rightly ticked, kept under their checksum."""

import hashlib
import shutil
from pathlib import Path, PurePath

from bot.onboarding.errors import Invalid
from bot.onboarding.given import Fetched, NotTaken, safe_name
from bot.onboarding.noting import objection
from bot.onboarding.outcomes import PROOF, FileEvidence
from bot.steps.layout import LocalFiles


def keep_proof(files: LocalFiles, key: str, name: str, fetched: Fetched) -> FileEvidence:
    """Move a fetched file among an onboarding's proofs; its name then holds its checksum. Raises NotTaken.

    Done again with the same file it comes to the same.
    """
    with fetched.path.open("rb") as content:
        beginning = content.read(8)
    refused = objection(name, fetched.size, beginning)
    if refused is not None:
        fetched.path.unlink()
        raise NotTaken(refused)
    kept = files.proofs(key) / proof_name(name, fetched.sha256)
    kept.parent.mkdir(parents=True, exist_ok=True)
    fetched.path.replace(kept)
    return FileEvidence(kept.name, PROOF, str(kept), fetched.size, fetched.sha256)


def copy_proof(files: LocalFiles, key: str, file: Path) -> FileEvidence:
    """Keep a copy of a file of this disk as a proof. Raises Invalid for one that is none, before anything is copied."""
    name, size = safe_name(file.name), file.stat().st_size
    with file.open("rb") as content:
        refused = objection(name, size, content.read(8))
    if refused is not None:
        raise Invalid(refused, {"proof": refused})
    landing = files.proofs(key) / ".part" / name
    landing.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, landing)
    with landing.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    return keep_proof(files, key, name, Fetched(landing, landing.stat().st_size, sha256))


def proof_name(name: str, sha256: str) -> str:
    """Return the name of a proof: the given one, and the beginning of its checksum before the ending."""
    path = PurePath(safe_name(name))
    return f"{path.stem}_{sha256[:12]}{path.suffix}"
