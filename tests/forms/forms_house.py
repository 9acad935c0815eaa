"""The application as `serve` puts it together, without its queue: a test runs the jobs that it wants to see."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from slack_channel import ANA, PEOPLE, eventually

from bot.app import Application, build, slack_front
from bot.onboarding.actors import Actor
from bot.onboarding.ports import Job
from bot.onboarding.start import StartRequest
from bot.sandbox.slack import RateLimits, SlackPerson, SlackServer, Workspace
from bot.settings import Settings, load_settings
from checklists.model import Form, FormParameters

SHELL = Actor("shell", "shell:root", "root")


class Clock:
    """The real time, moved by a test."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def move_to(self, moment: datetime) -> None:
        self.ahead = moment - datetime.now(UTC)


class FormsHouse:
    def __init__(self, application: Application, slack: SlackServer, clock: Clock) -> None:
        self.bot = application
        self.slack = slack
        self.clock = clock
        self.ana, self.bob, self.guest = (SlackPerson(slack.url, user.id) for user in PEOPLE)
        self._clients = 0

    def start(self, actor: Actor = ANA, **changed: Any) -> str:
        """Start an onboarding whose form waits for the partner; it is in the channel then."""
        self._clients += 1
        request: dict[str, Any] = {
            "pack": "telefonica_es",
            "partner": "PARTNER-ONE",
            "partner_email": "ops@partner.example",
            "client": f"ACME {self._clients}",
            "root": f"ACME-{self._clients}",
            "tax_ids": ["B00123455"],
            "options": {"ofc": True, "deposit": "console"},
        }
        key = self.bot.onboardings.start(StartRequest(**request | changed), actor).key
        self.show(key)
        return key

    def show(self, key: str) -> None:
        self.bot.run_job(Job(self.bot.onboardings.view(key).id, "surface:slack"))

    def parent(self, key: str) -> str:
        return self.bot.onboardings.view(key).surfaces["slack"].parent.partition(":")[2]

    def form(self, key: str) -> Form:
        view = self.bot.onboardings.view(key)
        parameters = view.step("form").definition.parameters
        assert isinstance(parameters, FormParameters)
        return view.pack.forms[parameters.form]

    def good(self, key: str) -> dict[str, Any]:
        """Right answers to every question, as they are chosen in Slack."""
        answers: dict[str, Any] = {field.id: field.example for field in self.form(key).fields if field.fill is None}
        golive = self.clock.now().date() + timedelta(days=28)
        while golive.weekday() > 3:
            golive += timedelta(days=1)
        return answers | {
            "target_golive": golive.isoformat(),
            "first_period": self.clock.now().strftime("%Y%m"),
            "ofc_auth": "PASSWORD",
            "ofc_public_key": "",
            "ofc_secret_ref": "vault/partner-one/ofc",
        }

    def step(self, key: str) -> Any:
        return self.bot.onboardings.view(key).step("form")

    def events(self, key: str) -> list[str]:
        return [line.kind for line in self.bot.onboardings.trail(key)]

    def told(self, person: SlackPerson) -> list[str]:
        return [str(message["text"]) for message in person.messages() if message["ephemeral"]]


@contextmanager
def forms_house(base: Path, *, scopes: frozenset[str] | None = None, **settings: Any) -> Iterator[FormsHouse]:
    clock = Clock()
    with ExitStack() as parts:
        slack = parts.enter_context(
            SlackServer(workspace=Workspace(people=PEOPLE), rate_limits=RateLimits(enforced=False), scopes=scopes)
        )
        given: dict[str, Any] = {
            "data_dir": base / "var",
            "language": "en",
            "slack": {
                "mode": "socket",
                "bot_token": slack.bot_token,
                "app_token": slack.app_token,
                "api_url": slack.api_url,
                "channel": "C0ONBOARD",
            },
            "roles": {"manager": ["U0ANA", "U0BOB"]},
        }
        loaded: Settings = load_settings(**given | settings)
        # One time for both: a message of the bot's is looked for by the bot's own clock.
        slack.workspace.clock = lambda: clock.now().timestamp()
        application = build(loaded, clock=clock)
        parts.callback(application.close)
        front = slack_front(application)
        assert front is not None
        front.start()
        parts.callback(front.stop)
        eventually(lambda: slack.sockets == 1 and front.is_connected)
        yield FormsHouse(application, slack, clock)
