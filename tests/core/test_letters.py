"""Letters to the partner: once for each name, in its language, told where they did not go; one thread of mails."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from core_house import ANA, House

from bot.locales import say
from bot.onboarding import due_rows
from bot.onboarding.effects import Effects
from bot.onboarding.errors import Unavailable
from bot.onboarding.letters import LetterWorker, as_html
from bot.onboarding.mail import MailOutcomeUnknown, MailRefused
from bot.onboarding.outcomes import Done, Failed, Letter
from bot.onboarding.retry import Backoff
from checklists.model import Localized

TOLD = Letter("findings-abc", Localized(fr="[K] fichier", en="[K] file", es="[K] fichero"), say("ask.no_advice"))


class Letters:
    """A core whose directory step writes letters, and the worker that sends them."""

    def __init__(self, base: Path, *, mails: bool = True) -> None:
        self.house = House(base)
        effects: Effects = self.house.effects
        mailer = self.house.mailer if mails else None
        page = (lambda about: f"https://onb.example/partner/{about.key}") if mails else None
        self.worker = LetterWorker(self.house.flow, effects, mailer, Backoff(first=5, tries=3), page)

    def fail(self, key: str, *outcomes: Failed | Done) -> None:
        self.house.directory.script = [*outcomes]
        self.house.work()

    def post(self) -> None:
        """Send what is due by now."""
        while self.house.sweep.run():
            for job in self.house.queue.take("letter:"):
                self.worker.run(job)
        self.house.show()

    def said(self, key: str) -> list[str]:
        return [kind for kind, _ in self.house.said(key, "letter_mailed", "letter_unsent")]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Letters]:
    built = Letters(tmp_path)
    yield built
    built.house.close()


def failed(letter: Letter | None = TOLD, about: str = "1") -> Failed:
    return Failed("BAD", say("ask.no"), say("ask.no_advice"), about=about, letter=letter)


def test_a_letter_goes_once_also_when_the_same_file_fails_again(home: Letters) -> None:
    key = home.house.start(ofc=False)
    home.fail(key, failed())
    home.post()
    home.house.onboardings.retry(key, "directory", actor=ANA)
    home.fail(key, failed())
    home.post()
    assert [mail.subject for mail in home.house.mailer.sent] == ["[K] file"]
    assert home.said(key) == ["letter_mailed"]
    home.house.onboardings.retry(key, "directory", actor=ANA)
    home.fail(key, failed(Letter("findings-def", TOLD.subject, TOLD.text), about="2"))
    home.post()
    assert len(home.house.mailer.sent) == 2


def test_all_mails_of_an_onboarding_are_one_thread_with_html_and_the_partners_page(home: Letters) -> None:
    key, other = home.house.start(ofc=False), home.house.start(ofc=False, client="Beta", root="BETA")
    home.fail(key, failed(), failed())
    home.post()
    first, second = home.house.mailer.sent
    assert first.references != second.references
    assert {len(mail.references) for mail in (first, second)} == {1}
    assert f"https://onb.example/partner/{key}" in first.text
    assert first.html is not None
    assert f'<a href="https://onb.example/partner/{key}">' in first.html
    assert first.message_id == f"<{key.lower()}.findings-abc@onboarding-bot>"
    assert other.lower() in second.message_id


def test_a_letter_that_was_killed_on_its_way_is_never_sent_again_but_told(home: Letters) -> None:
    key = home.house.start(ofc=False)
    home.house.mailer.trouble = [MailOutcomeUnknown("<a@b>", "cut")]
    home.fail(key, failed())
    home.post()
    home.post()
    assert home.said(key) == ["letter_unsent"]
    [report] = [report for _, report in home.house.board.reports if report.kind == "letter_unsent"]
    assert report.copy == TOLD.text
    assert report.seen is not None
    assert "not known" in report.seen.en
    assert home.house.mailer.sent == []


def test_a_server_that_is_away_is_tried_again_and_a_refused_address_is_told(home: Letters) -> None:
    key = home.house.start(ofc=False)
    home.house.mailer.trouble = [Unavailable("mail", "away")]
    home.fail(key, failed())
    home.post()
    assert home.said(key) == []
    home.house.clock.move(60)
    home.post()
    assert home.said(key) == ["letter_mailed"]
    home.house.mailer.trouble = [MailRefused("ops@partner.example", "no such user")]
    home.house.onboardings.retry(key, "directory", actor=ANA)
    home.fail(key, failed(Letter("other", TOLD.subject, TOLD.text), about="2"))
    home.post()
    assert home.said(key) == ["letter_mailed", "letter_unsent"]


def test_without_a_mail_server_the_thread_has_the_text_once(tmp_path: Path) -> None:
    home = Letters(tmp_path, mails=False)
    key = home.house.start(ofc=False)
    home.fail(key, failed())
    home.post()
    home.house.onboardings.retry(key, "directory", actor=ANA)
    home.fail(key, failed())
    home.post()
    assert home.said(key) == ["letter_unsent"]
    home.house.close()


def test_a_letter_goes_with_what_is_done_as_well(home: Letters) -> None:
    key = home.house.start(ofc=False)
    home.fail(key, Done(letter=TOLD))
    home.post()
    assert home.said(key) == ["letter_mailed"]
    with home.house.flow.change(home.house.onboardings.view(key).id) as change:
        assert change.row(due_rows.letter(3)) is None


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "a & b", 'see https://x.example/a?b=1&c="2" now', "javascript:alert(1)", "“ünï”"],
)
def test_html_shows_a_text_as_it_is_and_links_where_they_lead(text: str) -> None:
    made = as_html(f"Hello,\n\n  a  b\n{text}\n\nend", "en")
    assert "<script" not in made
    assert "javascript" not in "".join(re.findall(r'href="([^"]*)"', made))
    for address in re.findall(r'href="([^"]*)"', made):
        assert f">{address}</a>" in made
    assert "<pre>" in made
