"""The command: what it is given, what it runs, and where what it found is told."""

import json
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.console import Console

from bot.checking.stages import CHECKED
from bot.checking.terminal import progress, show
from bot.locales import say
from bot.onboarding.errors import SettingsError
from checklists.model import Language, Pack
from pipeline.chain import Chain
from pipeline.client import load_client
from pipeline.errors import ClientFileError, ConfigurationError
from pipeline.reading import FileReader
from pipeline.report import as_json as report_as_json
from pipeline.result import ChainResult

ACCEPTED, BLOCKED = 0, 1

# The report's name in the folder of the files made.
NAME = "report.html"


def check_file(
    language: Language,
    file: Path,
    pack: Pack,
    *,
    client: Path | None,
    out: Path | None,
    report: Path | None,
    cross_check: bool,
    as_json: bool,
    reader: FileReader | None = None,
) -> int:
    """Run the chain, tell what it found and write the report; return the exit status.

    The page goes where ``report`` says, and into ``out`` as well. Raises SettingsError for what cannot be used.
    """
    pages = [page for page in (report, out / NAME if out is not None else None) if page is not None]
    if pages:
        # Its templates are compiled while the file is read, most of which is no work of Python's.
        threading.Thread(target=_prepare_page, name="page", daemon=True).start()
    try:
        known = load_client(client) if client else None
        with progress(file.name, language) as begins:
            chain = Chain(
                file,
                pack,
                client=known,
                out=out,
                cross_check=cross_check,
                reader=reader,
                on_progress=begins,
            )
            result = chain.run(CHECKED)
    except (ConfigurationError, ClientFileError) as wrong:
        raise SettingsError(str(wrong)) from wrong
    except OSError as error:
        raise SettingsError(
            f"The check could not be made: {error}. Check the path, its rights and the disk."
        ) from error
    if as_json:
        json.dump(report_as_json(result, language), sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
    else:
        show(Console(), result, language)
    for page in dict.fromkeys(pages):
        _write(page, result, pack, language)
        if not as_json:
            typer.echo(say("check.written", path=page).text(language))
    return BLOCKED if result.blocked else ACCEPTED


def _prepare_page() -> None:
    from bot.checking.page import templates
    from bot.locales import catalogue

    catalogue()
    templates()


def _write(page: Path, result: ChainResult, pack: Pack, language: Language) -> None:
    from bot.checking.page import write_report

    try:
        write_report(page, result, pack, language, datetime.now(UTC))
    except OSError as error:
        raise SettingsError(f"The report cannot be written to {page}: {error.strerror}. Give another path.") from error
