"""Other readers of Access databases. Each reads every table of the file; what is not on this machine says why."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from .chain import PROGRAMS
from .files import MeasuredFile
from .measure import Command, in_a_row

JACKCESS_VARIABLE = "JACKCESS_CLASSPATH"
# It takes minutes for what the others do in seconds; it is there to show that, not to be waited for.
ACCESS_PARSER_LIMIT = 120.0


class NotHere(Exception):
    """A peer that cannot be measured on this machine; the reason in words."""


def mdb_export(file: MeasuredFile) -> Command:
    """Write all tables to /dev/null, a process each. Raises NotHere."""
    program = shutil.which("mdb-export")
    if program is None:
        raise NotHere("mdb-export is not installed (the Debian package mdbtools)")
    return Command(in_a_row([[program, str(file.path), table] for table in file.tables]))


def pandas_access(file: MeasuredFile) -> Command:
    """Read all tables to data frames of text. Raises NotHere."""
    if shutil.which("mdb-export") is None:
        raise NotHere("it needs mdb-export")
    return Command([sys.executable, str(PROGRAMS / "pandas_access_all.py"), str(file.path), *file.tables])


def access_parser(file: MeasuredFile) -> Command:
    """Read all tables, in a limited time."""
    words = [sys.executable, str(PROGRAMS / "access_parser_all.py"), str(file.path), *file.tables]
    return Command(words, limit=ACCESS_PARSER_LIMIT)


def jackcess(file: MeasuredFile, scratch: Path) -> Command:
    """Read all cells, with Java. ``JACKCESS_CLASSPATH`` names the jar and those that it needs. Raises NotHere."""
    java, compiler = shutil.which("java"), shutil.which("javac")
    if java is None or compiler is None:
        raise NotHere("no Java (java and javac)")
    jars = os.environ.get(JACKCESS_VARIABLE)
    if not jars:
        raise NotHere(f"no jar: {JACKCESS_VARIABLE} is not set")
    compiled = subprocess.run(
        [compiler, "-cp", jars, "-d", str(scratch), str(PROGRAMS / "JackcessAll.java")],
        capture_output=True,
        text=True,
        check=False,
    )
    if compiled.returncode:
        reason = compiled.stderr.partition("error: ")[2].partition("\n")[0]
        raise NotHere(f"{JACKCESS_VARIABLE} names no Jackcess: {reason}")
    classes = f"{scratch}{os.pathsep}{jars}"
    return Command([java, "-cp", classes, "JackcessAll", str(file.path), *file.tables])


def versions() -> dict[str, str]:
    """Return the versions of the peers that are here."""
    found = {name: version(name) for name in ("pandas-access", "access-parser", "pandas")}
    programs: dict[str, Callable[[], str | None]] = {
        "mdbtools": lambda: _number_said_by(["mdb-export", "--version"]),
        "OpenSSH": lambda: _number_said_by(["ssh", "-V"]),
        "Java": lambda: _number_said_by(["java", "-version"]),
    }
    return found | {name: said for name, ask in programs.items() if (said := ask()) is not None}


def _number_said_by(command: list[str]) -> str | None:
    if shutil.which(command[0]) is None:
        return None
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    number = re.search(r"\d+(?:\.\w+)+", done.stdout + done.stderr)
    return number[0] if number else None
