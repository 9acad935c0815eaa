"""Filling a form in by a spreadsheet: the way out and the way in, wherever the file comes from.

A file dropped in the onboarding's thread, or named in the shell: both end in ``take``.
"""

import hashlib
from pathlib import Path

import structlog

from bot.locales import say
from bot.onboarding.actors import Actor
from bot.onboarding.answers import Given
from bot.onboarding.errors import Refused
from bot.onboarding.forms import Forms, OpenForm
from bot.onboarding.given import NotTaken
from bot.onboarding.outcomes import SHEET, FileEvidence
from bot.sheet.archive import SheetRefused
from bot.sheet.layout import About
from bot.sheet.reading import SheetAnswers, SheetErrors, read_sheet
from bot.sheet.template import sheet_name, template
from checklists.model import LANGUAGES, Language, Localized

log = structlog.stdlib.get_logger()

FOLDER = "sheets"


class FormSheets:
    """Makes the spreadsheet of a form that waits, and takes a filled one. ``folder`` is DATA_DIR."""

    def __init__(self, forms: Forms, folder: Path) -> None:
        self._forms = forms
        self._folder = folder

    def make(self, key: str, actor: Actor, *, step_id: str | None = None, language: Language | None = None) -> bytes:
        """Return the spreadsheet of an onboarding's form. Raises Refused when none waits, Unknown."""
        opened = self._forms.open(key, step_id or self._forms.step_of(key), actor)
        return template(opened, language)

    def keep(self, opened: OpenForm) -> FileEvidence:
        """Write the spreadsheet where every worker finds it, and return it as a file to be shown."""
        content = template(opened)
        sha256 = hashlib.sha256(content).hexdigest()
        # By its content: one that is asked for again is the same file.
        path = self._folder / FOLDER / opened.view.key / sha256[:16] / sheet_name(opened)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return FileEvidence(path.name, SHEET, str(path), len(content), sha256)

    def take(
        self,
        key: str,
        path: Path,
        *,
        actor: Actor,
        step_id: str | None = None,
        name: str | None = None,
        source: str | None = None,
    ) -> bool:
        """Take the answers of a filled spreadsheet; False for a repeat.

        ``name`` is what people call the file, ``source`` the outside event. Raises SheetErrors with all errors at
        once, each with its cell; Refused when the file as a whole is none that can be taken, when no form waits for
        it, or when the actor may not answer for the partner.
        """
        opened = self._forms.open(key, step_id or self._forms.step_of(key), actor)
        about = About.of(opened.view.key, opened.step_id, opened.form)
        try:
            read = read_sheet(path, opened.form, about)
        except SheetRefused as refused:
            log.info("sheet_refused", onboarding=key, reason=str(refused))
            raise Refused(refused.text) from refused
        # An empty cell is an empty answer, but a row that was deleted says nothing: what was entered before stays.
        given: Given = self._forms.wanted(opened, {**opened.given, **read.given})
        if read.errors:
            raise SheetErrors(opened.form, _all_errors(self._forms, opened, given, read), read.cells)
        errors = self._forms.errors(opened, given)
        if errors:
            raise SheetErrors(opened.form, errors, read.cells)
        way = say("forms.way.sheet", name=name or path.name)
        return self._forms.take(opened, given, way=way, actor=actor, source=source)

    def take_given(self, key: str, path: Path, *, actor: Actor, name: str, source: str) -> bool:
        """Take a spreadsheet that was dropped where the onboarding is talked about; False for a repeat.

        Raises NotTaken with everything that is wrong with it at once.
        """
        try:
            return self.take(key, path, actor=actor, name=name, source=source)
        except SheetErrors as wrong:
            raise NotTaken(_listed(wrong)) from wrong
        except Refused as refused:
            raise NotTaken(refused.text) from refused


def _listed(wrong: SheetErrors) -> Localized:
    said = [wrong.text, *wrong.lines(), say("sheet.drop_again")]
    return Localized(**{language: "\n".join(line.text(language) for line in said) for language in LANGUAGES})


def _all_errors(forms: Forms, opened: OpenForm, given: Given, read: SheetAnswers) -> dict[str, Localized]:
    """Return the errors of the cells, and those of the answers that could be read."""
    wrong = forms.errors(opened, given)
    order = [asked.id for asked in opened.form.fields]
    found = {**wrong, **read.errors}
    return dict(sorted(found.items(), key=lambda one: order.index(one[0]) if one[0] in order else len(order)))
