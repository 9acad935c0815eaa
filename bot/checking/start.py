"""The start of a check: the file is already being read while what judges it is still being loaded."""

import tempfile
from pathlib import Path

from bot.onboarding.errors import SettingsError
from bot.settings import Settings
from bot.steps.parameters import parameter_models
from checklists.loader import PackErrors, builtin_packs, find_packs, load_pack
from checklists.model import Pack
from pipeline.reader_process import ReaderProcess
from pipeline.reading import FileReader, is_readable, wanted_columns


def start_check(
    settings: Settings,
    file: Path,
    operator: str,
    *,
    client: Path | None,
    out: Path | None,
    report: Path | None,
    cross_check: bool,
    as_json: bool,
    process: ReaderProcess,
) -> int:
    """Have the file read, then check it; return the exit status. Raises SettingsError for what cannot be used."""
    if not file.is_file():
        raise SettingsError(f"There is no file {file}.")
    if report is not None and report.exists() and report.samefile(file):
        raise SettingsError(f"--report: {report} is the file to check; the report would overwrite it.")
    pack = pack_for(settings, operator)
    with tempfile.TemporaryDirectory(prefix="check-") as rows:
        reader = None
        try:
            if pack.files is not None and is_readable(file, pack.files):
                reader = FileReader(file, wanted_columns(pack.files), Path(rows), process=process)
                reader.begin()
        except OSError:
            reader = None  # the check says what is wrong with the file
        from bot.checking.command import check_file  # noqa: PLC0415 - a quarter of a second, while the file is read

        return check_file(
            settings.language,
            file,
            pack,
            client=client,
            out=out,
            report=report,
            cross_check=cross_check,
            as_json=as_json,
            reader=reader,
        )


def pack_for(settings: Settings, operator: str) -> Pack:
    """Return the pack of that id, or in that folder. Raises SettingsError, naming the packs that there are."""
    try:
        folders = find_packs([builtin_packs(), *([settings.packs_dir] if settings.packs_dir else [])])
        folder = folders.get(operator) or Path(operator)
        if not folder.is_dir():
            raise SettingsError(
                f"--operator: {operator!r} is neither a pack ({', '.join(folders)}) nor a folder that holds one."
            )
        return load_pack(folder, parameter_models())
    except PackErrors as wrong:
        raise SettingsError(f"--operator: the pack {operator} has errors:\n{wrong}") from wrong
