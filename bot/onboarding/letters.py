"""Mails to a partner: in its language, as plain text with simple HTML beside it, all of one onboarding in one thread.

A letter is written by a step with its outcome, kept on the trail, and sent at most once for its name (the rows
``letter:``); where no mail server is set, or it is not certain that it went, the thread has its text to be copied and
sent by hand.
No letter holds a password. Its links lead straight to the bot's own pages.
"""

import html
import re
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from sqlmodel import select

from bot.locales import say
from bot.onboarding.change import Change
from bot.onboarding.effects import Effects
from bot.onboarding.flow import Flow
from bot.onboarding.mail import Mail, Mailer
from bot.onboarding.models import EffectRecord, Event
from bot.onboarding.ports import Job
from bot.onboarding.posting import Posting
from bot.onboarding.retry import Backoff
from bot.onboarding.view import localized, stamp_of
from checklists.model import Language, Localized

LETTER = "letter"
DOMAIN = "onboarding-bot"

_LINK = re.compile(r"https?://[^\s<>\"']+")
# A line that begins so belongs to a list or a table: its spaces count.
_SET = re.compile(r"(?m)^ {2,}\S")


class About(Protocol):
    """What a thread of mails is named by: an onboarding, as a row or as a view."""

    @property
    def key(self) -> str:
        """Its name for people."""

    @property
    def started_at(self) -> datetime:
        """When it began."""

    @property
    def partner(self) -> str:
        """The partner's code."""

    @property
    def root(self) -> str:
        """The client's root."""

    @property
    def links_renewed(self) -> int:
        """How often the links that were sent out were made void."""


# Gives the address of the page on which a partner sees its own steps and files.
PartnerPage = Callable[[About], str]


def compose(
    about: About,
    to: str,
    language: Language,
    *,
    subject: Localized,
    text: Localized,
    message_id: str,
    partner_page: PartnerPage | None = None,
) -> Mail:
    """Return a mail to the partner; ``partner_page`` adds the line that leads to its own page."""
    body = text.text(language).strip()
    if partner_page is not None:
        body += f"\n\n{say('letter.page', link=partner_page(about)).text(language)}"
    return Mail(
        to=to,
        subject=subject.text(language),
        text=f"{body}\n",
        html=as_html(body, language),
        message_id=message_id,
        references=(thread_id(about),),
    )


def thread_id(about: About) -> str:
    """Return the Message-ID that all mails of an onboarding refer to, so that a reader shows them as one thread."""
    stamp = stamp_of(about.key, about.started_at, about.partner, about.root)
    return f"<{about.key}.{stamp}@{DOMAIN}>".lower()


def as_html(text: str, language: Language) -> str:
    """Return a text as simple HTML: paragraphs, lists as they are set, links that show where they lead."""
    parts = [_paragraph(part) for part in re.split(r"\n\s*\n", text.strip("\n")) if part.strip()]
    return f'<!doctype html><html lang="{language}"><body>{"".join(parts)}</body></html>'


def _paragraph(part: str) -> str:
    escaped = html.escape(part, quote=True)
    linked = _LINK.sub(_anchor, escaped)
    return f"<pre>{linked}</pre>" if _SET.search(part) else f"<p>{linked.strip().replace(chr(10), '<br>')}</p>"


def _anchor(found: re.Match[str]) -> str:
    # A full stop or bracket at the end belongs to the sentence.
    address = found[0].rstrip(".,;:!?)")
    return f'<a href="{address}">{address}</a>{found[0][len(address) :]}'


class LetterWorker:
    """Runs the jobs of ``letter:<trail line>``: sends what a step has written, and tells when it did not go."""

    def __init__(
        self,
        flow: Flow,
        effects: Effects,
        mailer: Mailer | None,
        backoff: Backoff,
        partner_page: PartnerPage | None = None,
    ) -> None:
        self._flow = flow
        self._effects = effects
        self._mailer = mailer
        self._posting = Posting(flow, effects, backoff, delayed="letter_not_sent")
        self._partner_page = partner_page

    def run(self, job: Job) -> None:
        """Send a letter at most once, whatever was killed before."""
        mail, key = self._letter(job)
        if mail is None:
            self._forget(job)
            return
        mailer = self._mailer
        if mailer is None:
            self._effects.kept(job.onboarding_id, key, "to be copied")
            self._told(job, say("letter.no_smtp", to=mail.to))
            return
        self._posting.post(job, mailer, mail, key, partial(self._told, job))

    def _letter(self, job: Job) -> tuple[Mail | None, str]:
        """Return the mail and its key in the ledger; None when it was sent, for this line or an earlier one."""
        with self._flow.change(job.onboarding_id) as change:
            onboarding, line = change.onboarding, _line(change, job)
            letter = line.content.get("letter") if line is not None else None
            if letter is None or change.row(job.subject) is None:
                return None, ""
            key = f"{onboarding.key}:letter:mail-{letter['name']}"
            before = change.session.get(EffectRecord, key)
            if before is not None and before.external_id is not None:
                return None, key
            mail = compose(
                onboarding,
                onboarding.partner_email,
                onboarding.language,  # type: ignore[arg-type]  # the database keeps it as a text
                subject=_text(letter["subject"]),
                text=_text(letter["text"]),
                message_id=f"<{onboarding.key}.{letter['name']}@{DOMAIN}>".lower(),
                partner_page=self._partner_page,
            )
            return mail, key

    def _told(self, job: Job, trouble: Localized | None) -> None:
        """Keep that the letter went; one that did not is shown in the thread to be copied."""
        with self._flow.change(job.onboarding_id) as change:
            line = _line(change, job)
            if line is None or change.row(job.subject) is None:
                return
            change.unschedule(job.subject)
            step = change.step(line.step) if line.step else None
            letter = line.content["letter"]
            if trouble is None:
                change.note("letter_mailed", step=step, content={"of": line.seq, "name": letter["name"]})
                return
            content = {
                "of": line.seq,
                "seen": trouble.model_dump(),
                "advice": say("letter.copy_advice").model_dump(),
                "copy": letter["text"],
            }
            change.note("letter_unsent", step=step, content=content)

    def _forget(self, job: Job) -> None:
        with self._flow.change(job.onboarding_id) as change:
            change.unschedule(job.subject)


def _line(change: Change, job: Job) -> Event | None:
    seq = int(job.subject.partition(":")[2])
    wanted = select(Event).where(Event.onboarding_id == job.onboarding_id, Event.seq == seq)
    return change.session.exec(wanted).first()


def _text(kept: Any) -> Localized:
    text = localized(kept)
    assert text is not None
    return text
