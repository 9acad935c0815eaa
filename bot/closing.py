"""The dossier as it is handed over at the end: the page that the web side renders, for whoever keeps it."""

from collections.abc import Callable

from bot.onboarding import trail
from bot.onboarding.readings import Readings
from bot.web.dossier import render_dossier
from checklists.model import FormParameters


def dossier_of(onboardings: Readings) -> Callable[[str], bytes]:
    """Return what renders an onboarding's dossier.html in its own language, by key."""

    def render(key: str) -> bytes:
        view = onboardings.view(key)
        events = onboardings.trail(key)
        form, answers = None, None
        for step in view.steps:
            if isinstance(step.definition.parameters, FormParameters):
                answers = onboardings.answers(key, step.id) or None
                form = view.pack.forms[step.definition.parameters.form]
        intact = trail.first_break(events) is None and (events[-1].hash if events else "") == view.head
        page = render_dossier(view, events, view.language, chain_intact=intact, answers=answers, form=form)
        return page.encode()

    return render
