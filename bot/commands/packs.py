"""Operator packs: folders of YAML and SQL."""

from pathlib import Path
from typing import Annotated

import typer

from bot.commands.shell import (
    REFUSED,
    errors_in_words,
    print_json,
    read_settings,
)

commands = typer.Typer()


@commands.command("validate")
def pack_validate(
    path: Annotated[Path | None, typer.Argument(help="A pack's folder; without it, all that are installed.")] = None,
) -> None:
    """Report every error of a pack at once, with file and line.

    Example: onboarding-bot pack validate checklists/telefonica_es
    """
    from bot.steps.parameters import parameter_models
    from checklists.drafting import gaps
    from checklists.loader import PackErrors, builtin_packs, find_packs, load_pack

    with errors_in_words():
        wrong = False
        try:
            extra = read_settings().packs_dir
            folders = [path] if path else list(find_packs([builtin_packs(), *([extra] if extra else [])]).values())
        except PackErrors as errors:
            typer.echo(str(errors), err=True)
            raise typer.Exit(REFUSED) from errors
        for folder in folders:
            try:
                pack = load_pack(folder, parameter_models())
            except PackErrors as errors:
                wrong = True
                typer.echo(str(errors), err=True)
            else:
                left = gaps(pack.path)
                marked = f", {left} gap{'s' if left > 1 else ''} marked (grep -rn GAP {folder})" if left else ""
                typer.echo(f"{pack.id} {pack.checklist.version}: {len(pack.checklist.steps)} steps, no errors{marked}")
        if wrong:
            raise typer.Exit(REFUSED)


@commands.command("schema")
def pack_schema() -> None:
    """Print the JSON Schemas of a pack's YAML files.

    Example: onboarding-bot pack schema > pack-schemas.json
    """
    from checklists.schema import pack_schemas

    print_json(pack_schemas())
