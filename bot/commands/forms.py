"""The partner's form from a shell: its spreadsheet out, the filled one in."""

from pathlib import Path
from typing import Annotated

import typer

from bot.commands.shell import REFUSED, Key, open_bot, say_state, shell_actor
from checklists.model import Language

commands = typer.Typer()


@commands.command()
def form(
    key: Key,
    template: Annotated[Path | None, typer.Option(dir_okay=False, help="Write the spreadsheet here.")] = None,
    fill: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Take this filled one.")] = None,
    step: Annotated[str | None, typer.Option(help="The form's step, where there is more than one.")] = None,
    language: Annotated[str | None, typer.Option(help="fr, en or es; the onboarding's own if none is named.")] = None,
) -> None:
    """Write the partner's form as a spreadsheet, or take the answers of a filled one.

    Example: onboarding-bot form ONB-7 --template form.xlsx
    """
    from bot.sheet import SheetErrors

    if (template is None) == (fill is None):
        raise typer.BadParameter("give one of --template and --fill", param_hint="--template")
    languages: dict[str, Language] = {"fr": "fr", "en": "en", "es": "es"}
    if language is not None and language not in languages:
        raise typer.BadParameter(f"{language!r} is none of fr, en, es", param_hint="--language")
    with open_bot() as bot:
        if template is not None:
            content = bot.sheets.make(
                key, shell_actor(), step_id=step, language=languages[language] if language else None
            )
            template.write_bytes(content)
            typer.echo(template)
            return
        try:
            bot.sheets.take(key, fill, actor=shell_actor(), step_id=step)
        except SheetErrors as wrong:
            speaks = languages[language] if language else bot.settings.language
            typer.echo(wrong.text.text(speaks), err=True)
            for line in wrong.lines():
                typer.echo(line.text(speaks), err=True)
            raise typer.Exit(REFUSED) from wrong
        say_state(bot, key, step or bot.forms.step_of(key))
