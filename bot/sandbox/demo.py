"""``onboarding-bot demo``: a whole activation with OFC, played by people against real programs, with live progress."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bot.onboarding.errors import SettingsError
from bot.sandbox.household import PARTNERS, Household, household, wait_for_interrupt
from bot.sandbox.players import DataBaseTeam, Manager, NothingHappened, Partner, wait_for
from bot.sandbox.slack import AppSilent
from bot.steps.parameters import parameter_models
from checklists.loader import builtin_packs, load_pack
from checklists.model import Language, Pack

PACK, PARTNER = "telefonica_es", PARTNERS[0]
PARTNER_EMAIL = "billing@partner-one.example"
CLIENT, ROOT, TAX_ID = "ACME Ibérica", "ACME-IBERICA", "B00123455"

MANUAL_STEPS = ("portal", "sofia_install", "sofia_login", "download", "load")
ENDED_WELL = frozenset({"done", "not_applicable"})
FOR_THE_EYE = 0.1

STATE_STYLES = {"done": "green", "not_applicable": "dim", "failed": "red"}


@dataclass
class Stage:
    """Where the play is shown: a line for each thing that a person or the bot does."""

    console: Console
    progress: Progress
    pause: float
    began: float = field(default_factory=time.monotonic)

    def tell(self, who: str, what: str) -> None:
        """Show what happens."""
        seconds = time.monotonic() - self.began
        self.progress.console.print(f"[dim]{seconds:5.1f}s[/]  [bold]{who:10}[/] {what}", highlight=False)
        time.sleep(self.pause)


def play(data_dir: Path, language: Language, *, fast: bool, keep: bool, cloud: bool = False) -> int:
    """Play it all; return 0 only if every step ended as it should."""
    console = Console()
    pack = load_pack(builtin_packs() / PACK, parameter_models())
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )
    with bar:
        stage = Stage(console, bar, 0.0 if fast else FOR_THE_EYE)
        stage.tell("demo", "starts a Slack, a Jira, a file server, a mailbox and the bot, each a process of its own")
        with household(data_dir, name="demo", language=language, quick=True, cloud=cloud) as home:
            try:
                key = _act(home, pack, stage)
            except (NothingHappened, AppSilent, LookupError, requests.RequestException, OSError) as broken:
                bar.stop()
                console.print(f"[red]The play broke off:[/] {broken}. The logs are in {home.folder}.")
                return 1
            bar.stop()
            well = _sum_up(console, home, key)
            if keep:
                console.print(f"\nEverything stays up until Ctrl-C; the addresses are in {data_dir / 'sandbox.json'}.")
                wait_for_interrupt()
            return 0 if well else 1


def _act(home: Household, pack: Pack, stage: Stage) -> str:
    """Play the activation; return the onboarding's key."""
    slack, jira, sftp = (home.addresses[name] for name in ("slack", "jira", "sftp"))
    manager = Manager(home.slack_url, slack["users"]["manager"])
    partner = Partner(PARTNER, PARTNER_EMAIL, home.addresses["mail_url"], sftp)
    team = DataBaseTeam(jira["url"], home.team_token, jira["database_project"], jira.get("database_email"))

    key = _start(manager, stage)
    steps = stage.progress.add_task(key, total=len(pack.checklist.steps))

    for step in MANUAL_STEPS:
        ticked = manager.tick_all(step)
        stage.tell("manager", f"ticks the {ticked} boxes of “{pack.checklist.step(step).title.en}”")
        _move(manager, stage, steps)

    asked = partner.fill_form(partner.wait_for_link("form"), pack.forms["form.yaml"], datetime.now(UTC).date())
    stage.tell("partner", f"fills in the form behind the mailed link ({asked} answers)")
    ticket = team.wait_for_ticket()
    stage.tell("Data Base", f"finds the ticket {ticket} made from the form, takes it")
    team.make_flow(ticket)
    stage.tell("Data Base", f"resolves {ticket}: the OFC flow is there")
    _move(manager, stage, steps)

    partner.wait_for_request()
    incoming = f"/test/{pack.operator_code}/{ROOT}"
    named = pack.path / (pack.files.example if pack.files else "")
    file = home.folder / named.name
    file.write_bytes((pack.path / "sample.mdb").read_bytes())
    partner.drop(file, f"{incoming}/in")
    stage.tell("partner", f"drops {file.name} over SFTP, as the mail asked")

    wait_for("the new references", lambda: manager.has_control("references", "assign") or None)
    _move(manager, stage, steps)
    manager.click("references", "assign")
    stage.tell("manager", "assigns the new references in the intranet, confirms it")
    manager.tick_all("mytem")
    stage.tell("manager", "sees the invoices in Mytem with the right totals")

    link = partner.wait_for_link("confirm")
    received = partner.collect(f"{incoming}/out")
    stage.tell("partner", f"collects {len(received)} files from out/ and compares the checksums")
    partner.answer(link, "yes", "Received, checksum compared.")
    stage.tell("partner", "confirms the receipt of the OFC through the mailed link")
    _move(manager, stage, steps)

    manager.tick_all("sign_off")
    stage.tell("manager", "signs off")
    wait_for("the end", lambda: _is_over(manager) or None)
    _move(manager, stage, steps)
    return key


def _start(manager: Manager, stage: Stage) -> str:
    values = {
        "operator": PACK,
        "partner": PARTNER,
        "partner_email": PARTNER_EMAIL,
        "client": CLIENT,
        "root": ROOT,
        "tax_ids": "B00123456",
        "ofc": "true",
        "deposit": "ftp",
    }
    errors = manager.start(values)
    stage.tell("manager", f"/onboard start, with a wrong tax number: the modal says so at “{', '.join(errors)}”")
    if errors := manager.start(values | {"tax_ids": TAX_ID}):
        raise NothingHappened(f"the start was refused: {errors}")
    message = manager.wait_for_parent()
    key = str(message["metadata"]["event_payload"]["key"])
    stage.tell("bot", f"opens {key}: one message in Slack, one issue in Jira")
    return key


def _move(manager: Manager, stage: Stage, task: Any) -> None:
    """Show how far the onboarding's own message says that it is."""
    for block in manager.message()["blocks"]:
        text = str((block.get("text") or {}).get("text", ""))
        done, slash, of = text.partition("*")[2].partition("*")[0].partition("/")
        if slash and done.isdecimal():
            stage.progress.update(task, completed=int(done), total=int(of))
            return


def _is_over(manager: Manager) -> bool:
    """Tell whether the onboarding's message shows no control any more: nobody has anything left to do."""
    return not any(block["type"] == "actions" for block in manager.message()["blocks"])


def _status(home: Household, key: str) -> Mapping[str, Any]:
    answered = home.command("status", key, "--json")
    if answered.returncode:
        raise SettingsError(f"onboarding-bot status {key}: {answered.stderr.strip()}")
    found: Mapping[str, Any] = json.loads(answered.stdout)
    return found


def _sum_up(console: Console, home: Household, key: str) -> bool:
    """Show how every step ended and leave the dossier; tell whether all ended as they should."""
    status = _status(home, key)
    table = Table("step", "state", title=f"{key}: {status['state']}")
    for step in status["steps"]:
        style = STATE_STYLES.get(step["state"], "yellow")
        table.add_row(step["id"], f"[{style}]{step['state']}[/] {step['code'] or ''}")
    console.print(table)
    written = home.command("export", key, "--out", str(home.folder / "dossier"))
    if written.returncode:
        console.print(f"[red]No dossier:[/] {written.stderr}")
        return False
    console.print(f"The dossier: {written.stdout.splitlines()[0]}", soft_wrap=True)
    return status["state"] == "done" and all(step["state"] in ENDED_WELL for step in status["steps"])
