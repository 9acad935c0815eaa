"""Backups, restores, and the move to Postgres."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bot.commands.shell import (
    REFUSED,
    errors_in_words,
    read_settings,
)

commands = typer.Typer()


@commands.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The new file.", dir_okay=False, show_default=False)],
) -> None:
    """Copy the SQLite database to a file while the bot serves (docs/backup.md).

    Example: onboarding-bot backup /backups/onboarding-2026-11-24.db
    """
    from bot.backup import back_up

    with errors_in_words():
        size = back_up(read_settings(), file)
        typer.echo(f"{file}: {size // 1024} KiB")


@commands.command()
def restore(
    file: Annotated[
        Path | None, typer.Argument(help="A backup; without it, mark a Postgres that was put back.", show_default=False)
    ] = None,
) -> None:
    """Put a backup in the place of the database; what is open then looks outside before it writes (docs/backup.md).

    Example: onboarding-bot restore /backups/onboarding-2026-11-24.db
    """
    from bot.backup import restore as put_back
    from bot.logs import warnings_alone

    with errors_in_words(), warnings_alone():
        settings = read_settings()
        if file is None and not settings.database_url.get_secret_value().startswith("postgres"):
            raise typer.BadParameter("a backup's file; only Postgres is put back without one", param_hint="FILE")
        number, old = put_back(settings, file)
        typer.echo(f"{number} open onboarding(s); each looks outside before it writes again")
        if old is not None:
            typer.echo(f"the database that was there: {old}")


@commands.command("move-database")
def move_database(
    to: Annotated[
        str,
        typer.Option(
            envvar="ONBOARDING_MOVE_TO",
            help="The Postgres database, as postgresql://account:password@host/database; it must be empty.",
            show_default=False,
            show_envvar=True,
        ),
    ],
) -> None:
    """Move everything from SQLite to Postgres, checked row by row, or nothing at all. No bot may serve meanwhile.

    Example: ONBOARDING_MOVE_TO=postgresql://onboarding:…@db/onboarding onboarding-bot move-database
    """
    from bot.app import surface_names
    from bot.logs import configure_logs
    from bot.moving import move

    with errors_in_words():
        settings = read_settings()
        configure_logs(settings.log)
        moved = move(settings, to, surfaces=surface_names(settings))
        table = Table()
        for column in ("table", "before", "now", "same"):
            table.add_column(column, justify="left" if column in {"table", "same"} else "right")
        for each in moved.tables:
            table.add_row(each.name, str(each.before), str(each.now), "yes" if each.same else "NO")
        Console().print(table)
        for key, line in moved.broken.items():
            typer.echo(f"{key}: the trail does not hold from line {line} on", err=True)
        if not moved.matches:
            typer.echo("Not everything matches: nothing was moved, and DATABASE_URL stays as it is.", err=True)
            raise typer.Exit(REFUSED)
        typer.echo(f"{moved.onboardings} onboardings; {moved.trail_lines} lines of their trails hold to the last hash.")
        if moved.is_repeat:
            typer.echo("Everything had been moved before.")
        else:
            typer.echo(f"{moved.due_at_once} steps and surfaces go on at once when the bot starts on the new database.")
        typer.echo("Now set DATABASE_URL to the new database.")
