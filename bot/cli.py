"""The command line: what Slack can do from a shell, the checks, and the servers.

Exit status: 0 done or queued, 1 refused or blocked, 2 usage or configuration.
"""

import gc
import getpass
import hashlib
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bot.onboarding.actors import Actor
from bot.onboarding.errors import Invalid, OnboardingError, Refused, SettingsError

# Everything heavy is imported by the command that needs it: `--help` and `pack validate` stay quick.

app = typer.Typer(
    name="onboarding-bot",
    help="Takes a partner's activation of a telecom operator from /onboard to the signed-off dossier.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
pack_app = typer.Typer(help="Operator packs: folders of YAML and SQL.", no_args_is_help=True)
app.add_typer(pack_app, name="pack")

REFUSED, UNUSABLE = 1, 2

# How long a bot that starts waits for a database that is not up yet, in seconds.
DATABASE_PATIENCE = 300

Key = Annotated[str, typer.Argument(help="The onboarding, such as ONB-7.", show_default=False)]
StepId = Annotated[str, typer.Argument(metavar="STEP", help="The step's id in the pack.", show_default=False)]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stays on the audit trail.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON value and nothing else on standard output.")]


@app.command()
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
    with _errors_in_words():
        settings = _settings()
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


@app.command()
def start(
    operator: Annotated[str, typer.Option(help="The pack's id.", show_default=False)],
    partner: Annotated[str, typer.Option(help="The partner's code.", show_default=False)],
    partner_email: Annotated[str, typer.Option(help="Where the partner gets its mail.", show_default=False)],
    client: Annotated[str, typer.Option(help="The client's name.", show_default=False)],
    root: Annotated[str, typer.Option(help="The client's root.", show_default=False)],
    tax_id: Annotated[list[str], typer.Option(help="A tax number of the client; several times for several.")],
    option: Annotated[list[str] | None, typer.Option(help="An option of the pack as ID=VALUE.")] = None,
    due: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="When it should be done.")] = None,
) -> None:
    """Start an onboarding and print its key.

    Example: onboarding-bot start --operator telefonica_es --partner PARTNER-ONE --partner-email ops@partner.example
    --client "ACME Ibérica" --root ACME-IBERICA --tax-id B00123455 --option ofc=true --option deposit=ftp
    """
    from bot.onboarding.start import StartRequest

    with _bot() as bot:
        request = StartRequest(
            pack=operator,
            partner=partner,
            partner_email=partner_email,
            client=client,
            root=root,
            tax_ids=tax_id,
            options=dict(_option(given) for given in option or ()),
            due=due.date() if due else None,
        )
        typer.echo(bot.onboardings.start(request, _me()).key)


@app.command()
def status(key: Key, as_json: AsJson = False) -> None:
    """Show where an onboarding stands.

    Example: onboarding-bot status ONB-7
    """
    with _bot() as bot:
        view = bot.onboardings.view(key)
        if as_json:
            steps = [{"id": step.id, "state": step.state, "code": step.code} for step in view.steps]
            _print_json({"key": view.key, "state": view.state, "steps": steps})
            return
        language = bot.settings.language
        done, of = view.progress
        title = f"{view.key} · {view.operator} · {view.client} ({view.partner}) · {done}/{of}"
        table = Table(title=" ".join([title, *_due(view.due, view.days_late, language)]))
        for column in ("step", "state", "due", "who, when", "what"):
            table.add_column(column, overflow="fold")
        for step in view.steps:
            what = step.seen or step.note
            moment = step.changed_at.strftime("%Y-%m-%d %H:%M") if step.changed_at else ""
            table.add_row(
                step.id,
                f"{step.state} {step.code or ''}".strip(),
                "\n".join(_due(step.due_on, step.days_late, language)),
                f"{step.changed_by or ''} {moment}".strip(),
                step.reason or (what.text(language) if what else ""),
            )
        Console().print(table)
        for surface, trouble in view.troubles.items():
            Console(stderr=True).print(f"{surface}: {trouble}", markup=False)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the onboardings, the open ones first.

    Example: onboarding-bot list --json
    """
    with _bot() as bot:
        views = bot.onboardings.all()
        if as_json:
            _print_json(
                [
                    {
                        "key": view.key,
                        "state": view.state,
                        "operator": view.pack.id,
                        "partner": view.partner,
                        "client": view.client,
                    }
                    for view in views
                ]
            )
            return
        table = Table()
        for column in ("key", "state", "operator", "partner", "client", "steps", "due"):
            table.add_column(column)
        for view in views:
            done, of = view.progress
            due = " ".join(_due(view.due, view.most_days_late, bot.settings.language))
            table.add_row(view.key, view.state, view.operator, view.partner, view.client, f"{done}/{of}", due)
        Console().print(table)


@app.command()
def confirm(
    key: Key,
    step: StepId,
    tick: Annotated[list[str] | None, typer.Option(help="A checkbox by its id; none: all of them.")] = None,
    choice: Annotated[str | None, typer.Option(help="A choice of the step by its id.")] = None,
) -> None:
    """Confirm a manual step: tick boxes, choose a status, or confirm an assignment.

    Example: onboarding-bot confirm ONB-7 portal --tick logged_in
    """
    with _bot() as bot:
        if choice is not None:
            bot.onboardings.choose(key, step, choice, actor=_me())
        elif tick:
            bot.onboardings.tick(key, step, tick, actor=_me())
        else:
            bot.onboardings.confirm(key, step, actor=_me())
        _say_state(bot, key, step)


@app.command()
def attach(
    key: Key,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The file.")],
) -> None:
    """Give the bot the file that was deposited in My Console.

    Example: onboarding-bot attach ONB-7 202610_ACME-IBERICA_SOFIA.mdb
    """
    from bot.steps.layout import LocalFiles

    with _bot() as bot:
        bot.require_shared_folder()
        bot.onboardings.view(key)
        with file.open("rb") as content:
            sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        kept = LocalFiles(bot.settings.data_dir.resolve()).attached(key.upper()) / sha256[:16] / file.name
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, kept)
        attached = {"name": file.name, "path": str(kept), "size": kept.stat().st_size, "sha256": sha256}
        step = bot.onboardings.hand_over(key, {"attached": attached}, actor=_me())
        _say_state(bot, key, step)


@app.command()
def retry(key: Key, step: StepId) -> None:
    """Begin a failed step again, or have a waiting one look at once.

    Example: onboarding-bot retry ONB-7 directory
    """
    with _bot() as bot:
        bot.onboardings.retry(key, step, actor=_me())
        _say_state(bot, key, step)


@app.command()
def skip(key: Key, step: StepId, reason: Reason) -> None:
    """Set a step aside.

    Example: onboarding-bot skip ONB-7 sofia_install --reason "installed last year"
    """
    with _bot() as bot:
        bot.onboardings.skip(key, step, reason, actor=_me())
        _say_state(bot, key, step)


@app.command()
def replace(key: Key, step: StepId, reason: Reason) -> None:
    """Decide that a blocked file's invoices replace the integrated ones; these stay, marked as superseded.

    Example: onboarding-bot replace ONB-7 processing --reason "corrected invoice, confirmed by the operator"
    """
    with _bot() as bot:
        bot.onboardings.replace(key, step, reason, actor=_me())
        _say_state(bot, key, step)


@app.command()
def snooze(
    key: Key,
    step: StepId,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The next reminder's day; else the next working day.")
    ] = None,
    stop: Annotated[bool, typer.Option("--stop", help="No more reminders of this step.")] = False,
) -> None:
    """Put a step's next reminder off, or stop its reminders; that it is late still shows.

    Example: onboarding-bot snooze ONB-7 form --until 2026-12-01
    """
    if stop and until is not None:
        raise typer.BadParameter("either --until or --stop", param_hint="--stop")
    with _bot() as bot:
        if stop:
            bot.onboardings.mute(key, step, actor=_me())
            typer.echo(f"{bot.onboardings.view(key).key} {step}: no more reminders")
        else:
            bot.onboardings.snooze(key, step, until.date() if until else None, actor=_me())
            typer.echo(f"{bot.onboardings.view(key).key} {step}: reminded on {bot.onboardings.reminded_on(key, step)}")


@app.command()
def cancel(key: Key, reason: Reason) -> None:
    """End an onboarding before its time; nothing that exists outside is removed.

    Example: onboarding-bot cancel ONB-7 --reason "wrong client"
    """
    with _bot() as bot:
        bot.onboardings.cancel(key, reason, actor=_me())
        typer.echo(f"{bot.onboardings.view(key).key}: cancelled")


@app.command()
def export(
    key: Key,
    out: Annotated[Path, typer.Option(file_okay=False, help="The folder to write into.", show_default=False)],
) -> None:
    """Write an onboarding's dossier.html, trail.json and trail.csv.

    Example: onboarding-bot export ONB-7 --out dossier
    """
    with _bot() as bot:
        for path in bot.export(key, out):
            typer.echo(path)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The new file.", dir_okay=False, show_default=False)],
) -> None:
    """Copy the SQLite database to a file while the bot serves (docs/backup.md).

    Example: onboarding-bot backup /backups/onboarding-2026-11-24.db
    """
    from bot.backup import back_up

    with _errors_in_words():
        size = back_up(_settings(), file)
        typer.echo(f"{file}: {size // 1024} KiB")


@app.command()
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

    with _errors_in_words(), warnings_alone():
        settings = _settings()
        if file is None and not settings.database_url.get_secret_value().startswith("postgres"):
            raise typer.BadParameter("a backup's file; only Postgres is put back without one", param_hint="FILE")
        number, old = put_back(settings, file)
        typer.echo(f"{number} open onboarding(s); each looks outside before it writes again")
        if old is not None:
            typer.echo(f"the database that was there: {old}")


@app.command()
def manifest() -> None:
    """Print Slack's app manifest, made from the bot's own commands.

    Example: onboarding-bot manifest > manifest.json
    """
    from bot.slack.manifest import app_manifest

    with _errors_in_words():
        settings = _settings()
        url = f"{settings.web.public_url}/slack/events" if settings.slack.mode == "http" else None
        _print_json(app_manifest(settings.slack.command, url))


@app.command()
def doctor() -> None:
    """Check every connection, right and pack, and say what to do about what is missing.

    Example: onboarding-bot doctor
    """
    from bot.doctor import examine

    with _errors_in_words():
        findings = examine(_settings())
        console = Console()
        for finding in findings:
            mark = "[green]ok  [/]" if finding.ok else "[red]FAIL[/]" if finding.needed else "[yellow]--  [/]"
            console.print(mark, finding.part, end=" ")
            console.print(finding.seen, markup=False, highlight=False)
            if finding.advice:
                console.print(f"       → {finding.advice}", markup=False, highlight=False)
        if any(not finding.ok and finding.needed for finding in findings):
            raise typer.Exit(REFUSED)


@app.command("move-database")
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

    with _errors_in_words():
        settings = _settings()
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


@app.command()
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
    with _errors_in_words(), ReaderProcess() as process:
        from bot.checking.start import start_check

        raise typer.Exit(
            start_check(
                _settings(),
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


@app.command()
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

    with _errors_in_words():
        raise typer.Exit(describe(_settings(), file, draft_pack=draft_pack, as_json=as_json))


@app.command()
def sandbox() -> None:
    """Start a Slack, a Jira, a file server, a mailbox and the bot on this machine, for a person in a browser.

    Example: onboarding-bot sandbox
    """
    from bot.sandbox.household import play_for_a_person

    with _errors_in_words():
        settings = _settings()
        play_for_a_person(settings.data_dir, settings.language)


@app.command()
def demo(
    fast: Annotated[bool, typer.Option("--fast", help="No pauses for the eye.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything up until Ctrl-C.")] = False,
) -> None:
    """Play a whole activation with OFC between real programs, and leave its dossier.

    Example: onboarding-bot demo --keep
    """
    from bot.sandbox.demo import play

    with _errors_in_words():
        settings = _settings()
        raise typer.Exit(play(settings.data_dir, settings.language, fast=fast, keep=keep))


@pack_app.command("validate")
def pack_validate(
    path: Annotated[Path | None, typer.Argument(help="A pack's folder; without it, all that are installed.")] = None,
) -> None:
    """Report every error of a pack at once, with file and line.

    Example: onboarding-bot pack validate checklists/telefonica_es
    """
    from bot.steps.parameters import parameter_models
    from checklists.drafting import gaps
    from checklists.loader import PackErrors, builtin_packs, find_packs, load_pack

    with _errors_in_words():
        wrong = False
        try:
            extra = _settings().packs_dir
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


@pack_app.command("schema")
def pack_schema() -> None:
    """Print the JSON Schemas of a pack's YAML files.

    Example: onboarding-bot pack schema > pack-schemas.json
    """
    from checklists.schema import pack_schemas

    _print_json(pack_schemas())


def main() -> None:
    """Run the command line."""
    # Loading the libraries makes a hundred thousand objects that all stay: looking through them for garbage again and
    # again took a tenth of a short command's time.
    gc.set_threshold(50_000, 20, 20)
    app()


def _settings() -> Any:
    from bot.settings import load_settings

    return load_settings()


@contextmanager
def _bot() -> Iterator[Any]:
    """Build the bot for one command: it writes and enqueues, the serving bot does the rest."""
    from bot import app as application
    from bot.logs import warnings_alone

    with _errors_in_words(), warnings_alone():
        built = application.build(_settings())
        try:
            yield built
        finally:
            built.close()


@contextmanager
def _errors_in_words() -> Iterator[None]:
    try:
        yield
    except Invalid as invalid:
        for name, text in invalid.fields.items():
            typer.echo(f"{name}: {text.text(_language())}", err=True)
        raise typer.Exit(REFUSED) from invalid
    except Refused as refused:
        typer.echo(refused.text.text(_language()), err=True)
        if refused.link:
            typer.echo(refused.link, err=True)
        raise typer.Exit(REFUSED) from refused
    except SettingsError as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(UNUSABLE) from wrong
    except OnboardingError as wrong:
        typer.echo(str(wrong), err=True)
        raise typer.Exit(REFUSED) from wrong


def _language() -> Any:
    return _settings().language


def _me() -> Actor:
    name = getpass.getuser()
    return Actor("shell", f"shell:{name}", name)


def _option(given: str) -> tuple[str, bool | str]:
    name, equals, value = given.partition("=")
    if not equals:
        raise typer.BadParameter(f"{given!r} is not ID=VALUE", param_hint="--option")
    return name.strip(), {"true": True, "false": False}.get(value.strip().lower(), value.strip())


def _due(due: date | None, days_late: int, language: Any) -> list[str]:
    from bot.locales import say

    late = say("late.one") if days_late == 1 else say("late.many", days=days_late)
    shown = [due.isoformat()] if due else []
    return [*shown, say("late.mark", late=late).text(language)] if days_late else shown


def _say_state(bot: Any, key: str, step_id: str) -> None:
    view = bot.onboardings.view(key)
    typer.echo(f"{view.key} {step_id}: {view.step(step_id).state}")


def _print_json(value: object) -> None:
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")
