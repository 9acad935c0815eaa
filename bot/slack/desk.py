"""The desk where slash commands are carried out: one method for each verb, one call of the core, one answer.

Answers are for the person alone. What others must know is on the trail, and the surfaces tell it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog

from bot.locales import say
from bot.onboarding.actors import Accountable, Actor
from bot.onboarding.errors import OnboardingError, Refused, Unavailable
from bot.onboarding.packs import Packs
from bot.onboarding.service import Onboardings
from bot.onboarding.view import OnboardingView, StepView
from bot.slack import modals
from bot.slack.commands import Asked, Misused, UnknownVerb, find_verb, help_text, misuse_text, parse
from bot.slack.connection import SlackConnection
from bot.slack.explaining import explained, repeated
from bot.slack.late import late_text
from bot.slack.lookups import check_text, form_text, mine_text
from bot.slack.mrkdwn import escaped, inline, mention
from bot.slack.sending import send_files
from bot.slack.status import list_text, status_text
from bot.slack.typed import Person
from checklists.model import Choice, Language, Localized, Pack

log = structlog.stdlib.get_logger()

Payload = Mapping[str, Any]
# Writes an onboarding's dossier into a folder; returns the files. Raises Unknown.
Export = Callable[[str, Path, Language], Sequence[Path]]
# The language of a person in Slack, by their user id.
LanguageOf = Callable[[str], Language]

YES = frozenset({"yes", "oui", "si", "y", "o"})
NO = frozenset({"no", "non", "n"})


@dataclass(frozen=True)
class Answer:
    """What the acknowledgement says, and what is done after it, which never raises."""

    shown: Mapping[str, Any]
    afterwards: Callable[[], None] | None = None


@dataclass(frozen=True)
class _Asker:
    """Who asked, in which language, by which event."""

    actor: Actor
    user: str
    language: Language
    source: str
    trigger: str


class CommandDesk:
    """Carries out slash commands."""

    def __init__(
        self,
        connection: SlackConnection,
        onboardings: Onboardings,
        packs: Packs,
        language_of: LanguageOf,
        export: Export | None = None,
    ) -> None:
        """``export`` writes a dossier; without it the verb says so."""
        self._connection = connection
        self._onboardings = onboardings
        self._packs = packs
        self._language_of = language_of
        self._export = export
        self._command = connection.settings.command
        self._verbs: Mapping[str, Callable[[Asked, _Asker], Answer]] = {
            "start": self._start,
            "status": self._status,
            "list": self._list,
            "mine": self._mine,
            "confirm": self._confirm,
            "retry": self._retry,
            "skip": self._skip,
            "assign": self._assign,
            "due": self._due,
            "note": self._note,
            "form": self._form,
            "correct": self._correct,
            "check": self._check,
            "cancel": self._cancel,
            "reopen": self._reopen,
            "export": self._send_dossier,
            "help": self._help,
        }

    def answer(self, body: Payload) -> Answer:
        """Carry out a slash command. Raises what nobody foresaw, and nothing else."""
        asker = self._asker(body)
        asked = parse(str(body.get("text") or ""))
        match asked:
            case UnknownVerb():
                return _private(self._unknown_verb(asked, asker.language))
            case Misused():
                return _private(misuse_text(_for_people(asked), self._command, asker.language))
        try:
            return self._verbs[asked.verb.name](asked, asker)
        except OnboardingError as wrong:
            return _private(explained(wrong, asker.language))

    def all_packs(self) -> list[Pack]:
        """Return the packs that can be started; one that was broken while the bot runs keeps nobody from the others."""
        packs = []
        for pack_id in self._packs.ids():
            try:
                packs.append(self._packs.get(pack_id))
            except OnboardingError as wrong:
                log.warning("pack_left_out", pack=pack_id, reason=str(wrong))
        return packs

    def open_start(self, trigger: str, language: Language, typed: Mapping[str, str] | None = None) -> None:
        """Open the start modal, with what is known already by field. Raises Refused and Unavailable."""
        packs = self.all_packs()
        if not packs:
            raise Refused(say("slack.no_packs"))
        chosen = packs[0] if len(packs) == 1 else None
        with self._connection.client() as client:
            client.views_open(trigger_id=trigger, view=modals.start_modal(packs, chosen, language, typed))

    # Looking.

    def _start(self, asked: Asked, asker: _Asker) -> Answer:
        del asked
        self.open_start(asker.trigger, asker.language)
        return Answer({})

    def _help(self, asked: Asked, asker: _Asker) -> Answer:
        verb = find_verb(asked.text) if asked.text else None
        if asked.text and verb is None:
            wrong = say("slack.wrong.no_verb", given=inline(asked.text, 40)).text(asker.language)
            return _private(f"{wrong}\n{help_text(self._command, asker.language)}")
        return _private(help_text(self._command, asker.language, verb))

    def _status(self, asked: Asked, asker: _Asker) -> Answer:
        return _private(status_text(self._onboardings, asked.key, asker.language, self._command))

    def _list(self, asked: Asked, asker: _Asker) -> Answer:
        if asked.only_late:
            return _private(late_text(self._onboardings.late(), asker.language))
        return _private(list_text(self._onboardings, asker.language, self._command))

    def _mine(self, asked: Asked, asker: _Asker) -> Answer:
        del asked
        return _private(mine_text(self._onboardings.mine.of(asker.actor), asker.language))

    def _form(self, asked: Asked, asker: _Asker) -> Answer:
        view = self._view(asked, asker)
        forms = [step for step in view.steps if step.definition.kind == "form" and step.state != "not_applicable"]
        if not forms:
            raise Refused(say("slack.wrong.no_form", key=view.key))
        for step in forms:
            # Whoever has the link may answer.
            self._onboardings.steering.require(view.key, step.id, actor=asker.actor)
        answers = {step.id: self._onboardings.answers(view.key, step.id) for step in forms}
        return _private(form_text(forms, answers, asker.language))

    def _check(self, asked: Asked, asker: _Asker) -> Answer:
        view = self._view(asked, asker)
        chain = [step for step in view.steps if step.definition.kind == "chain" and step.state != "not_applicable"]
        if not chain:
            raise Refused(say("slack.wrong.no_chain", key=view.key))
        return _private(check_text(view.key, chain, asker.language))

    # Acting on a step.

    def _confirm(self, asked: Asked, asker: _Asker) -> Answer:
        step = self._step(asked, asker)
        changed = self._confirmed(asked, step, asker)
        return self._did(changed, asker, "confirm", key=asked.key, step=_title(step, asker))

    def _confirmed(self, asked: Asked, step: StepView, asker: _Asker) -> bool:
        act: dict[str, Any] = {"actor": asker.actor, "source": asker.source}
        choices: tuple[Choice, ...] = getattr(step.definition.parameters, "choices", ())
        if choices:
            if len(asked.ticks) != 1:
                listed = ", ".join(f"`{choice.id}` ({choice.label.text(asker.language)})" for choice in choices)
                raise Refused(say("slack.wrong.choice", step=step.definition.title, choices=listed))
            return self._onboardings.choose(asked.key, step.id, asked.ticks[0], **act)
        if step.definition.kind == "ask":
            given = set(asked.ticks) or {"yes"}
            if not (given <= YES or given <= NO):
                raise Refused(say("slack.wrong.answer", step=step.definition.title))
            return self._onboardings.answer(asked.key, step.id, given <= YES, **act)
        if asked.ticks:
            return self._onboardings.tick(asked.key, step.id, asked.ticks, **act)
        return self._onboardings.confirm(asked.key, step.id, **act)

    def _retry(self, asked: Asked, asker: _Asker) -> Answer:
        if asked.step is None:
            failed = [step.id for step in self._view(asked, asker).steps if step.state == "failed"]
            if len(failed) != 1:
                which = "failed_steps" if failed else "no_failed_step"
                raise Refused(say(f"slack.wrong.{which}", key=asked.key, steps=", ".join(failed)))
            asked = replace(asked, step=failed[0])
        step = self._step(asked, asker)
        changed = self._onboardings.retry(asked.key, step.id, actor=asker.actor, source=asker.source)
        return self._did(changed, asker, "retry", key=asked.key, step=_title(step, asker))

    def _skip(self, asked: Asked, asker: _Asker) -> Answer:
        step = self._step(asked, asker)
        changed = self._onboardings.skip(asked.key, step.id, asked.text, actor=asker.actor, source=asker.source)
        return self._did(changed, asker, "skip", key=asked.key, step=_title(step, asker))

    # Steering the whole.

    def _assign(self, asked: Asked, asker: _Asker) -> Answer:
        person = _accountable(asked.person, asker)
        changed = self._onboardings.steering.assign(
            asked.key, person, asked.step, actor=asker.actor, source=asker.source
        )
        if person is None:
            return self._did(changed, asker, "unassign", about=self._about(asked, asker))
        who = mention(person.id) or inline(person.name, 80)
        return self._did(changed, asker, "assign", about=self._about(asked, asker), who=who)

    def _due(self, asked: Asked, asker: _Asker) -> Answer:
        changed = self._onboardings.steering.set_due(
            asked.key, asked.day, asked.step, actor=asker.actor, source=asker.source
        )
        day = asked.day.isoformat() if asked.day else say("steer.no_due")
        return self._did(changed, asker, "due", about=self._about(asked, asker), day=day)

    def _note(self, asked: Asked, asker: _Asker) -> Answer:
        asked = self._with_step(asked, asker)
        changed = self._onboardings.steering.note(
            asked.key, asked.text, asked.step, actor=asker.actor, source=asker.source
        )
        return self._did(changed, asker, "note", about=self._about(asked, asker))

    def _correct(self, asked: Asked, asker: _Asker) -> Answer:
        correcting = self._onboardings.correcting
        changed = correcting.ask_correction(
            asked.key, correcting.form_of(asked.key), asked.text, actor=asker.actor, source=asker.source
        )
        return self._did(changed, asker, "correct", key=asked.key)

    def _cancel(self, asked: Asked, asker: _Asker) -> Answer:
        changed = self._onboardings.cancel(asked.key, asked.text, actor=asker.actor, source=asker.source)
        return self._did(changed, asker, "cancel", key=asked.key)

    def _reopen(self, asked: Asked, asker: _Asker) -> Answer:
        asked = self._with_step(asked, asker)
        changed = self._onboardings.steering.reopen(
            asked.key, asked.text, asked.step, actor=asker.actor, source=asker.source
        )
        return self._did(changed, asker, "reopen", key=asked.key)

    # The dossier.

    def _send_dossier(self, asked: Asked, asker: _Asker) -> Answer:
        if self._export is None:
            raise Refused(say("slack.wrong.no_export", key=asked.key))
        if not self._onboardings.steering.taken_along(asked.key, actor=asker.actor, source=asker.source):
            return _private(repeated(asker.language))
        # The files are made and sent after the acknowledgement: Slack waits three seconds for that.
        return Answer(_said("slack.did.export", asker.language, key=asked.key), lambda: self._send(asked.key, asker))

    def _send(self, key: str, asker: _Asker) -> None:
        assert self._export is not None
        try:
            with TemporaryDirectory(prefix="dossier-") as folder:
                files = self._export(key, Path(folder), asker.language)
                comment = say("slack.export.here", key=key).text(asker.language)
                send_files(self._connection, asker.user, files, escaped(comment))
        except OnboardingError as wrong:
            log.warning("dossier_not_sent", onboarding=key, reason=str(wrong))
            self._tell(asker, say("slack.export.failed", key=key, reason=escaped(str(wrong))))
        except Exception as unforeseen:
            log.exception("dossier_not_sent", onboarding=key)
            self._tell(asker, say("slack.export.failed", key=key, reason=type(unforeseen).__name__))

    def _tell(self, asker: _Asker, text: Localized) -> None:
        try:
            with self._connection.client() as client:
                client.chat_postEphemeral(
                    channel=self._connection.settings.channel, user=asker.user, text=text.text(asker.language)
                )
        except Unavailable as lost:
            log.warning("answer_not_shown", reason=lost.reason)

    # What the verbs share.

    def _asker(self, body: Payload) -> _Asker:
        user, trigger = str(body["user_id"]), str(body["trigger_id"])
        actor = Actor("slack", f"slack:{user}", str(body.get("user_name") or user))
        return _Asker(actor, user, self._language_of(user), f"slack:command:{trigger}"[:512], trigger)

    def _view(self, asked: Asked, asker: _Asker) -> OnboardingView:
        return replace(self._onboardings.view(asked.key), language=asker.language)

    def _step(self, asked: Asked, asker: _Asker) -> StepView:
        """Return the step that is named. One that does not exist is refused by the core, which notes it."""
        view = self._view(asked, asker)
        try:
            return view.step(asked.step or "")
        except KeyError:
            self._onboardings.steering.require(view.key, asked.step or "", actor=asker.actor)
            raise

    def _with_step(self, asked: Asked, asker: _Asker) -> Asked:
        """Read the word before a colon as a step where there is such a one, and as words where there is not."""
        if asked.about is None:
            return asked
        if asked.about.casefold() in {step.id for step in self._view(asked, asker).steps}:
            return replace(asked, step=asked.about.casefold(), about=None)
        return replace(asked, text=f"{asked.about}: {asked.text}", about=None)

    def _about(self, asked: Asked, asker: _Asker) -> str:
        return asked.key if asked.step is None else f"{asked.key}, {_title(self._step(asked, asker), asker)}"

    def _did(self, changed: bool, asker: _Asker, what: str, **values: object) -> Answer:
        if not changed:
            return Answer(_said("slack.did.nothing", asker.language))
        return Answer(_said(f"slack.did.{what}", asker.language, **values))

    def _unknown_verb(self, verb: UnknownVerb, language: Language) -> str:
        nearest = ", ".join(f"`{self._command} {name}`" for name in verb.nearest) or f"`{self._command} help`"
        return say("slack.unknown_verb", word=inline(verb.word, 40), nearest=nearest).text(language)


def _accountable(person: Person | None, asker: _Asker) -> Accountable | None:
    if person is None:
        return None
    return Accountable(asker.user, asker.actor.name) if person.is_me else Accountable(person.id, person.name)


def _for_people(misused: Misused) -> Misused:
    """Escape what was typed in the sentence about it."""
    wrong = misused.wrong
    return replace(misused, wrong=Localized(fr=escaped(wrong.fr), en=escaped(wrong.en), es=escaped(wrong.es)))


def _title(step: StepView, asker: _Asker) -> str:
    return inline(step.definition.title.text(asker.language), 120)


def _said(key: str, language: Language, /, **values: object) -> Mapping[str, Any]:
    return {"response_type": "ephemeral", "text": say(key, **values).text(language)}


def _private(text: str) -> Answer:
    return Answer({"response_type": "ephemeral", "text": text})
