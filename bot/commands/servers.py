"""The bot, what its settings lack, and the sandbox."""

from typing import Annotated

import typer
from rich.console import Console

from bot.commands.shell import (
    REFUSED,
    AsJson,
    errors_in_words,
    print_json,
    read_settings,
)

# How long a bot that starts waits for a database that is not up yet, in seconds.
DATABASE_PATIENCE = 300

Cloud = Annotated[bool, typer.Option("--cloud", help="A Jira as on Cloud; without it a Data Center.")]

commands = typer.Typer()


@commands.command()
def serve(
    role: Annotated[str, typer.Option(help="all, web or worker; on SQLite only all.")] = "all",
) -> None:
    """Run the bot against the Slack, Jira and file server of the settings.

    Example: ONBOARDING_SLACK__BOT_TOKEN=… onboarding-bot serve
    """
    from bot import app as application
    from bot.logs import configure_logs, secrets_of
    from bot.preflight import AccountCheck, check_database

    if role not in {"all", "web", "worker"}:
        raise typer.BadParameter("all, web or worker", param_hint="--role")
    with errors_in_words():
        settings = read_settings()
        configure_logs(settings.log, secrets=secrets_of(settings))
        check_database(settings)
        # The servers answer while the bot is built.
        accounts = AccountCheck(settings)
        built = application.build(settings, patience=DATABASE_PATIENCE)
        try:
            accounts.require()
            application.serve(built, role)  # type: ignore[arg-type]
        finally:
            built.close()


@commands.command()
def doctor(as_json: AsJson = False) -> None:
    """Check every connection, right and pack; say why what is missing matters, and what to do about it.

    Exit status 0 where nothing that is needed is missing, else 1.

    Example: onboarding-bot doctor
    """
    from bot.doctor import examine

    with errors_in_words():
        settings = read_settings()
        findings = examine(settings)
        if as_json:
            print_json([finding.as_json(settings.language) for finding in findings])
        else:
            console = Console()
            for finding in findings:
                mark = "[green]ok  [/]" if finding.ok else "[red]FAIL[/]" if finding.needed else "[yellow]--  [/]"
                told = finding.as_json(settings.language)
                console.print(mark, finding.part, end=" ")
                console.print(told["seen"], markup=False, highlight=False)
                if not finding.ok:
                    console.print(f"       {told['why']}", markup=False, highlight=False, style="dim")
                    console.print(f"       → {told['advice']}", markup=False, highlight=False)
        if any(not finding.ok and finding.needed for finding in findings):
            raise typer.Exit(REFUSED)


@commands.command()
def manifest() -> None:
    """Print Slack's app manifest, made from the bot's own commands.

    Example: onboarding-bot manifest > manifest.json
    """
    from bot.slack.manifest import app_manifest

    with errors_in_words():
        settings = read_settings()
        url = f"{settings.web.public_url}/slack/events" if settings.slack.mode == "http" else None
        print_json(app_manifest(settings.slack.command, url))


@commands.command()
def sandbox(cloud: Cloud = False) -> None:
    """Start a Slack, a Jira, a file server, a mailbox and the bot on this machine, for a person in a browser.

    Example: onboarding-bot sandbox
    """
    from bot.sandbox.household import play_for_a_person

    with errors_in_words():
        settings = read_settings()
        play_for_a_person(settings.data_dir, settings.language, cloud=cloud)


@commands.command()
def demo(
    fast: Annotated[bool, typer.Option("--fast", help="No pauses for the eye.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything up until Ctrl-C.")] = False,
    cloud: Cloud = False,
) -> None:
    """Play a whole activation with OFC between real programs, and leave its dossier.

    Example: onboarding-bot demo --keep
    """
    from bot.sandbox.demo import play

    with errors_in_words():
        settings = read_settings()
        raise typer.Exit(play(settings.data_dir, settings.language, fast=fast, keep=keep, cloud=cloud))
