"""What every command shares: its arguments, the bot it works with, errors in words, JSON on standard output."""

import getpass
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.onboarding.errors import Invalid, OnboardingError, Refused, SettingsError

if TYPE_CHECKING:
    from bot.onboarding.actors import Actor

REFUSED, UNUSABLE = 1, 2

Key = Annotated[str, typer.Argument(help="The onboarding, such as ONB-7.", show_default=False)]
StepId = Annotated[str, typer.Argument(metavar="STEP", help="The step's id in the pack.", show_default=False)]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stays on the audit trail.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON value and nothing else on standard output.")]


def read_settings() -> Any:
    """Read the settings. Raises SettingsError."""
    from bot.settings import load_settings

    return load_settings()


@contextmanager
def open_bot() -> Iterator[Any]:
    """Build the bot for one command: it writes and enqueues, the serving bot does the rest."""
    from bot import app as application
    from bot.logs import warnings_alone

    with errors_in_words(), warnings_alone():
        built = application.build(read_settings())
        try:
            yield built
        finally:
            built.close()


@contextmanager
def errors_in_words() -> Iterator[None]:
    """End the command with the error's own words, and the status that says what sort it is of."""
    try:
        yield
    except Invalid as invalid:
        for name, text in invalid.fields.items():
            typer.echo(f"{name}: {text.text(read_language())}", err=True)
        raise typer.Exit(REFUSED) from invalid
    except Refused as refused:
        typer.echo(refused.text.text(read_language()), err=True)
        if refused.link:
            typer.echo(refused.link, err=True)
        raise typer.Exit(REFUSED) from refused
    except SettingsError as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(UNUSABLE) from wrong
    except OnboardingError as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(REFUSED) from wrong


def read_language() -> Any:
    """Return the language of the settings."""
    return read_settings().language


def shell_actor() -> "Actor":
    """Return whoever runs the command, as the trail names them."""
    from bot.onboarding.actors import Actor

    name = getpass.getuser()
    return Actor("shell", f"shell:{name}", name)


def say_state(bot: Any, key: str, step_id: str) -> None:
    """Say where a step stands now."""
    view = bot.onboardings.view(key)
    typer.echo(f"{view.key} {step_id}: {view.step(step_id).state}")


def print_json(value: object) -> None:
    """Print one JSON value and nothing else."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")
