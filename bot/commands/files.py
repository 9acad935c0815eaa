"""One file, offline: the chain's checks, and what is in an unknown database."""

from pathlib import Path
from typing import Annotated

import typer

from bot.commands.shell import (
    AsJson,
    errors_in_words,
    read_settings,
)

commands = typer.Typer()


@commands.command()
def check(
    file: Annotated[Path, typer.Argument(help="The operator's file.", show_default=False)],
    operator: Annotated[str, typer.Option(help="A pack's id, or its folder.", show_default=False)],
    client: Annotated[Path | None, typer.Option(help="client.yaml: root, partner, tax_ids, inventory.")] = None,
    out: Annotated[Path | None, typer.Option(file_okay=False, help="Keep the Output and its files here.")] = None,
    report: Annotated[Path | None, typer.Option(dir_okay=False, help="Write what was found as an HTML page.")] = None,
    cross_check: Annotated[
        bool, typer.Option("--cross-check", help="Compare with a second reader, where mdbtools is installed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run the test-file chain on one file, offline, and say what is wrong with it or that it is right.

    Example: onboarding-bot check 202610_ACME-IBERICA_SOFIA.mdb --operator telefonica_es --client client.yaml
    """
    from pipeline.reader_process import ReaderProcess

    # It gets ready while everything else is being loaded.
    with errors_in_words(), ReaderProcess() as process:
        from bot.checking.start import start_check

        raise typer.Exit(
            start_check(
                read_settings(),
                file,
                operator,
                client=client,
                out=out,
                report=report,
                cross_check=cross_check,
                as_json=as_json,
                process=process,
            )
        )


@commands.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="A Microsoft Access database.", show_default=False)],
    as_json: AsJson = False,
    draft_pack: Annotated[
        Path | None, typer.Option(file_okay=False, help="Write a first pack into this new folder.")
    ] = None,
) -> None:
    """Describe a database: format, tables, columns, types, rows, days. No other value of it is shown.

    Example: onboarding-bot inspect 202610_ACME.mdb --draft-pack packs/operadora_x
    """
    from bot.inspecting import inspect as describe

    with errors_in_words():
        raise typer.Exit(describe(read_settings(), file, draft_pack=draft_pack, as_json=as_json))
