"""The form's modal: opened by a button, turned page by page, sent at its end. Each page that is left is kept."""

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from slack_bolt import Ack, App

from bot.locales import say
from bot.onboarding.answers import AnswerErrors
from bot.onboarding.errors import OnboardingError, Refused, Unavailable
from bot.onboarding.forms import Forms, OpenForm
from bot.onboarding.outcomes import FileEvidence
from bot.slack import form_modal as m
from bot.slack.answering import Answering, Payload
from bot.slack.connection import SlackConnection
from bot.slack.events import action_source, actor_of, view_source
from bot.slack.readers import Readers

log = structlog.stdlib.get_logger()

MakeSheet = Callable[[OpenForm], FileEvidence]


class FormListeners(Answering):
    """The listeners. ``make_sheet`` writes the form as a spreadsheet and returns where it lies."""

    def __init__(
        self, connection: SlackConnection, forms: Forms, readers: Readers, make_sheet: MakeSheet | None = None
    ) -> None:
        super().__init__(connection, readers)
        self._forms = forms
        self._make_sheet = make_sheet

    def register(self, app: App) -> None:
        """Register every listener."""
        app.action("form_fill")(self.asked)
        app.action("form_sheet")(self.sheet_asked)
        app.action(m.DEPENDED)(self.chosen)
        app.action(m.BACK)(self.back)
        app.view(m.PAGE)(self.page_left)
        app.view(m.REVIEW)(self.sent)

    def asked(self, ack: Ack, body: Payload) -> None:
        """Open the form at its first page."""
        try:
            key, _, step_id = str(body["actions"][0]["value"]).partition(":")
            opened = self._forms.open(key, step_id, actor_of(body))
            notice = [opened.comment] if opened.comment else []
            page = m.form_page(opened, opened.given, 0, self._language, notice=notice)
            with self._connection.client() as client:
                client.views_open(trigger_id=body["trigger_id"], view=page)
        except OnboardingError as wrong:
            ack()
            self._tell(body, self._explained(wrong))
        except Exception:  # noqa: BLE001 - nothing may be raised once Slack waits for an answer
            ack()
            self._tell(body, self._unexpected("form_fill"))
        else:
            ack()

    def sheet_asked(self, ack: Ack, body: Payload) -> None:
        """Have the form put into the thread as a spreadsheet."""
        answer = ""
        try:
            action = body["actions"][0]
            key, _, step_id = str(action["value"]).partition(":")
            actor = actor_of(body)
            opened = self._forms.open(key, step_id, actor)
            if self._make_sheet is not None:
                sheet = self._make_sheet(opened)
                source = action_source(body, action)
                if not self._forms.offer_sheet(key, step_id, sheet, actor=actor, source=source):
                    answer = self._repeated()
        except OnboardingError as wrong:
            answer = self._explained(wrong)
        except Exception:  # noqa: BLE001 - as above
            answer = self._unexpected("form_sheet")
        ack()
        if answer:
            self._tell(body, answer)

    def chosen(self, ack: Ack, body: Payload) -> None:
        """Draw the page anew after a choice on which other questions depend."""
        self._turn(ack, body, 0)

    def back(self, ack: Ack, body: Payload) -> None:
        """Go back one page; what was entered on this one is kept."""
        self._turn(ack, body, -1)

    def page_left(self, ack: Ack, body: Payload, view: Payload) -> None:
        """Keep a page and show the next one, or show at its inputs what is wrong."""
        try:
            place, opened, given = self._read(body, view)
            errors = self._forms.errors(opened, self._forms.wanted(opened, given))
            here = m.page_errors(opened, place.page, errors, view, self._language)
            self._forms.keep(opened, given, errors)
            if here:
                ack(response_action="errors", errors=here)
                return
            page = m.form_page(opened, given, place.page + 1, self._language, notice=self._left(opened, errors, place))
            ack(response_action="update", view=page)
        except OnboardingError as wrong:
            ack(response_action="update", view=m.message_modal(self._plain(wrong), self._language))
        except Exception:  # noqa: BLE001 - as above
            ack(response_action="update", view=m.message_modal(self._unexpected("form_page"), self._language))

    def sent(self, ack: Ack, body: Payload, view: Payload) -> None:
        """Take the answers, or go to the first page on which something is wrong."""
        try:
            place, opened, given = self._read(body, view)
            wanted = self._forms.wanted(opened, given)
            actor = actor_of(body)
            try:
                is_new = self._forms.take(
                    opened, wanted, way=say("forms.way.slack"), actor=actor, source=view_source(view)
                )
            except AnswerErrors as wrong:
                lines = [say("slack.form.mend").text(self._language)]
                lines += m.error_lines(opened, wrong.errors, self._language)
                number = min(m.first_wrong_page(opened, wrong.errors), place.page)
                page = m.form_page(opened, given, number, self._language, notice=lines)
                ack(response_action="update", view=page)
                return
            ack()
            if not is_new:
                self._tell(body, self._repeated())
        except OnboardingError as wrong:
            ack(response_action="update", view=m.message_modal(self._plain(wrong), self._language))
        except Exception:  # noqa: BLE001 - as above
            ack(response_action="update", view=m.message_modal(self._unexpected("form_review"), self._language))

    def _turn(self, ack: Ack, body: Payload, by: int) -> None:
        view = body["view"]
        try:
            place, opened, given = self._read(body, view)
            self._forms.keep(opened, given, self._forms.errors(opened, given))
            page = m.form_page(opened, given, max(place.page + by, 0), self._language)
            with self._connection.client() as client:
                client.views_update(view_id=view["id"], hash=view.get("hash"), view=page)
        except Unavailable as lost:
            # The page stays as it is; what it says is read when it is left.
            log.warning("form_page_not_drawn", reason=lost.reason)
        except OnboardingError as wrong:
            self._tell(body, self._explained(wrong))
        except Exception:  # noqa: BLE001 - as above
            self._tell(body, self._unexpected("form_turn"))
        ack()

    def _read(self, body: Payload, view: Payload) -> tuple[m.Place, OpenForm, dict[str, str | list[str]]]:
        """Return which page it is, and everything entered so far with what this page says."""
        place = m.Place.of(view)
        opened = self._forms.open(place.key, place.step_id, actor_of(body))
        return place, opened, {**opened.given, **m.read_page(opened, view, place.page)}

    def _left(self, opened: OpenForm, errors: Mapping[str, Any], place: m.Place) -> list[str]:
        """Return, for the review, what earlier pages still lack."""
        if place.page + 1 < len(m.pages(opened.form.sections)) or not errors:
            return []
        return [say("slack.form.mend").text(self._language), *m.error_lines(opened, errors, self._language)]

    def _plain(self, wrong: OnboardingError) -> str:
        return self._refusal(wrong, markup=False) if isinstance(wrong, Refused) else str(wrong)
