"""What Slack can do, from a shell: it writes and enqueues beside a serving bot, which does the rest."""

import hashlib
import shutil
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bot.commands.shell import (
    AsJson,
    Key,
    Reason,
    StepId,
    open_bot,
    print_json,
    say_state,
    shell_actor,
)

commands = typer.Typer()

OfStep = Annotated[str | None, typer.Option("--step", help="Of this step, not of the whole onboarding.")]


@commands.command()
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

    with open_bot() as bot:
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
        typer.echo(bot.onboardings.start(request, shell_actor()).key)


@commands.command()
def status(key: Key, as_json: AsJson = False) -> None:
    """Show where an onboarding stands.

    Example: onboarding-bot status ONB-7
    """
    with open_bot() as bot:
        view = bot.onboardings.view(key)
        if as_json:
            steps = [{"id": step.id, "state": step.state, "code": step.code} for step in view.steps]
            print_json({"key": view.key, "state": view.state, "steps": steps})
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


@commands.command("list")
def list_(
    as_json: AsJson = False,
    late: Annotated[bool, typer.Option("--late", help="Only what is late, the latest first.")] = False,
) -> None:
    """List the onboardings, the open ones first.

    Example: onboarding-bot list --late
    """
    with open_bot() as bot:
        views = bot.onboardings.late() if late else bot.onboardings.all()
        if as_json:
            print_json(
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


@commands.command()
def confirm(
    key: Key,
    step: StepId,
    tick: Annotated[list[str] | None, typer.Option(help="A checkbox by its id; none: all of them.")] = None,
    choice: Annotated[str | None, typer.Option(help="A choice of the step by its id.")] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Take your own confirmation back, while another person's is needed.")
    ] = False,
    untick: Annotated[list[str] | None, typer.Option(help="A checkbox to untick by its id; needs --reason.")] = None,
    reason: Annotated[str, typer.Option(help="Why a checkbox is unticked; it stays on the audit trail.")] = "",
    note: Annotated[str, typer.Option(help="A note about the checkbox, or about the step without --tick.")] = "",
    link: Annotated[str, typer.Option(help="A link that proves it.")] = "",
    proof: Annotated[
        list[Path] | None, typer.Option(exists=True, dir_okay=False, readable=True, help="A file that proves it.")
    ] = None,
) -> None:
    """Confirm a manual step: tick boxes, choose a status, or confirm an assignment; with notes and proofs beside.

    Example: onboarding-bot confirm ONB-7 portal --tick logged_in --note "with Ana's account" --proof screenshot.png
    """
    if withdraw and (tick or untick or choice is not None):
        raise typer.BadParameter("either --withdraw or what to confirm", param_hint="--withdraw")
    if len(tick or ()) > 1 and (note or link or proof):
        raise typer.BadParameter("a note or a proof is about one --tick", param_hint="--tick")
    if untick and (tick or choice is not None):
        raise typer.BadParameter("either --untick or --tick or --choice", param_hint="--untick")
    with open_bot() as bot:
        if note or link or proof:
            # First: what is wrong with a proof is said before anything is ticked.
            _add_note(bot, key, step, next(iter(tick or untick or []), None), note, link, proof or [])
        if withdraw:
            bot.onboardings.steering.withdraw(key, step, actor=shell_actor())
        elif untick:
            bot.onboardings.untick(key, step, untick, reason, actor=shell_actor())
        elif choice is not None:
            bot.onboardings.choose(key, step, choice, actor=shell_actor())
        elif tick:
            bot.onboardings.tick(key, step, tick, actor=shell_actor())
        elif not (note or link or proof):
            bot.onboardings.confirm(key, step, actor=shell_actor())
        say_state(bot, key, step)


def _add_note(bot: Any, key: str, step: str, item: str | None, note: str, link: str, proofs: list[Path]) -> None:
    from bot.steps.layout import LocalFiles
    from bot.steps.proofs import copy_proof

    bot.require_shared_folder()
    view = bot.onboardings.view(key)
    files = LocalFiles(bot.settings.data_dir.resolve())
    kept = [copy_proof(files, view.key, file) for file in proofs]
    bot.onboardings.noting.add(key, step, item=item, text=note, link=link, proofs=kept, actor=shell_actor())


@commands.command()
def attach(
    key: Key,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The file.")],
) -> None:
    """Give the bot the file that was deposited in My Console.

    Example: onboarding-bot attach ONB-7 202610_ACME-IBERICA_SOFIA.mdb
    """
    from bot.steps.layout import LocalFiles

    with open_bot() as bot:
        bot.require_shared_folder()
        bot.onboardings.view(key)
        with file.open("rb") as content:
            sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        kept = LocalFiles(bot.settings.data_dir.resolve()).attached(key.upper()) / sha256[:16] / file.name
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, kept)
        attached = {"name": file.name, "path": str(kept), "size": kept.stat().st_size, "sha256": sha256}
        step = bot.onboardings.hand_over(key, {"attached": attached}, actor=shell_actor())
        say_state(bot, key, step)


@commands.command()
def retry(key: Key, step: StepId) -> None:
    """Begin a failed step again, or have a waiting one look at once.

    Example: onboarding-bot retry ONB-7 directory
    """
    with open_bot() as bot:
        bot.onboardings.retry(key, step, actor=shell_actor())
        say_state(bot, key, step)


@commands.command()
def skip(key: Key, step: StepId, reason: Reason) -> None:
    """Set a step aside.

    Example: onboarding-bot skip ONB-7 sofia_install --reason "installed last year"
    """
    with open_bot() as bot:
        bot.onboardings.skip(key, step, reason, actor=shell_actor())
        say_state(bot, key, step)


@commands.command()
def replace(key: Key, step: StepId, reason: Reason) -> None:
    """Decide that a blocked file's invoices replace the integrated ones; these stay, marked as superseded.

    Example: onboarding-bot replace ONB-7 processing --reason "corrected invoice, confirmed by the operator"
    """
    with open_bot() as bot:
        bot.onboardings.replace(key, step, reason, actor=shell_actor())
        say_state(bot, key, step)


@commands.command()
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
    with open_bot() as bot:
        if stop:
            bot.onboardings.snoozing.mute(key, step, actor=shell_actor())
            typer.echo(f"{bot.onboardings.view(key).key} {step}: no more reminders")
        else:
            bot.onboardings.snoozing.snooze(key, step, until.date() if until else None, actor=shell_actor())
            typer.echo(
                f"{bot.onboardings.view(key).key} {step}: reminded on {bot.onboardings.snoozing.reminded_on(key, step)}"
            )


@commands.command()
def correct(
    key: Key,
    step: StepId,
    comment: Annotated[str, typer.Option("--comment", help="What is to be corrected; the partner reads it.")],
) -> None:
    """Open a form again that was sent, with a comment for the partner; its answers are kept as the draft.

    Example: onboarding-bot correct ONB-7 form --comment "the port of the delivery server is missing a digit"
    """
    with open_bot() as bot:
        bot.onboardings.correcting.ask_correction(key, step, comment, actor=shell_actor())
        say_state(bot, key, step)


@commands.command()
def link(
    key: Annotated[str | None, typer.Argument(help="The onboarding, such as ONB-7.", show_default=False)] = None,
    renew: Annotated[bool, typer.Option("--renew", help="Make all its links void, and print new ones.")] = False,
    revoke: Annotated[bool, typer.Option("--revoke", help="Make all its links void.")] = False,
    status: Annotated[bool, typer.Option("--status", help="The link to the team's page of all activations.")] = False,
) -> None:
    """Print the links that are valid for a partner, make them void, or renew them; or the link to the team's page.

    Example: onboarding-bot link ONB-7 --renew
    """
    if (key is None) != status or (renew and revoke) or (status and (renew or revoke)):
        raise typer.BadParameter("KEY with --renew or --revoke or neither, or --status alone", param_hint="KEY")
    with open_bot() as bot:
        if key is None:
            typer.echo(bot.links.status_page())
            return
        if renew or revoke:
            bot.onboardings.linking.make_void(key, bot.links if renew else None, actor=shell_actor())
        view = bot.onboardings.view(key)
        if revoke:
            typer.echo(f"{view.key}: no link that was sent out works any more; --renew makes new ones")
            return
        typer.echo(f"partner {bot.links.partner_page(view.key, edition=view.page_edition)}")
        for step in view.steps:
            make = {"form": bot.links.form, "ask": bot.links.confirmation}.get(step.definition.kind)
            if make is not None and step.state == "waiting":
                typer.echo(f"{step.id} {make(view.key, step.id, edition=view.link_edition(step.run))}")


@commands.command()
def cancel(key: Key, reason: Reason) -> None:
    """End an onboarding before its time; nothing that exists outside is removed.

    Example: onboarding-bot cancel ONB-7 --reason "wrong client"
    """
    with open_bot() as bot:
        bot.onboardings.cancel(key, reason, actor=shell_actor())
        typer.echo(f"{bot.onboardings.view(key).key}: cancelled")


@commands.command()
def reopen(
    key: Key,
    reason: Reason,
    step: OfStep = None,
) -> None:
    """Open an onboarding again that is done or was cancelled; done steps stay done.

    With --step that step and all that need it begin anew. One that is done begins its last step anew without it.

    Example: onboarding-bot reopen ONB-7 --reason "the OFC must be sent again" --step ofc_sent
    """
    with open_bot() as bot:
        bot.onboardings.steering.reopen(key, reason, step, actor=shell_actor())
        view = bot.onboardings.view(key)
        begun = [each.id for each in view.steps if each.state in {"waiting", "running", "failed"}]
        typer.echo(f"{view.key}: open again, at {', '.join(begun)}")


@commands.command()
def assign(
    key: Key,
    person: Annotated[
        str | None,
        typer.Argument(help="A Slack user or group id, a Jira account, or a name; none: nobody in particular."),
    ] = None,
    step: OfStep = None,
    name: Annotated[str | None, typer.Option(help="What people read instead of an id.")] = None,
) -> None:
    """Name the one person who answers for an onboarding or a step: reminders turn to them first.

    Example: onboarding-bot assign ONB-7 U012AB3CD --name Ana --step form
    """
    from bot.onboarding.actors import Accountable

    member = (person or "").strip()
    with open_bot() as bot:
        accountable = Accountable(member, (name or member).strip()) if member else None
        changed = bot.onboardings.steering.assign(key, accountable, step, actor=shell_actor())
        shown = accountable.name if accountable else "nobody in particular"
        typer.echo(f"{_about(bot, key, step)}: {shown}{'' if changed else ' already'}")


@commands.command()
def due(
    key: Key,
    day: Annotated[
        datetime | None, typer.Argument(formats=["%Y-%m-%d"], help="The day; none: none, for a step its pack's own.")
    ] = None,
    step: OfStep = None,
) -> None:
    """Change the due date of an onboarding or of a step; the reminders follow.

    Example: onboarding-bot due ONB-7 2026-12-01 --step form
    """
    with open_bot() as bot:
        changed = bot.onboardings.steering.set_due(key, day.date() if day else None, step, actor=shell_actor())
        view = bot.onboardings.view(key)
        now = view.step(step).due_on if step else view.due
        shown = (day.date() if day else now) or "none"
        typer.echo(f"{_about(bot, key, step)}: due {shown}{'' if changed else ' already'}")


@commands.command()
def note(
    key: Key,
    text: Annotated[str, typer.Argument(help="What others should read later.", show_default=False)],
    step: OfStep = None,
) -> None:
    """Put a note on the audit trail; it is told in Slack and Jira.

    Example: onboarding-bot note ONB-7 "the contract came by post" --step form
    """
    with open_bot() as bot:
        bot.onboardings.steering.note(key, text, step, actor=shell_actor())
        typer.echo(f"{_about(bot, key, step)}: noted")


@commands.command()
def export(
    key: Key,
    out: Annotated[Path, typer.Option(file_okay=False, help="The folder to write into.", show_default=False)],
) -> None:
    """Write an onboarding's dossier.html, trail.json and trail.csv.

    Example: onboarding-bot export ONB-7 --out dossier
    """
    with open_bot() as bot:
        for path in bot.export(key, out):
            typer.echo(path)


def _about(bot: Any, key: str, step: str | None) -> str:
    return f"{bot.onboardings.view(key).key}{f' {step}' if step else ''}"


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
