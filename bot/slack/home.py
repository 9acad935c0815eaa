"""The Home tab: a person's steps with their controls, their activations with progress, the start. A pure function.

Slack takes a hundred blocks: a page of steps has at most five each, a page of activations one each.
"""

import json
from dataclasses import replace
from typing import Any

from bot.locales import say
from bot.onboarding.home_page import HomePage, Part
from bot.onboarding.homes import HomeGone, HomeOvertaken
from bot.onboarding.view import OnboardingView, StepView
from bot.slack import blocks as b
from bot.slack import box_notes
from bot.slack.connection import SlackConnection, SlackRefused
from bot.slack.controls import ICONS, steps_with_controls
from bot.slack.mrkdwn import inline, link, moment
from bot.slack.parent import late_mark, progress_bar
from checklists.model import Language

CALLBACK, NOTE = "home", "home_note"
# The text and the controls of one step.
STEP_BLOCKS, STEP_TEXT = 4, 3_000
ALL = "*"

# What Slack says of somebody who has left, or was never there.
GONE = frozenset({"user_not_found", "users_not_found", "user_not_visible", "user_disabled", "user_is_deactivated"})


class SlackHome:
    """Implements the core's ``HomeSurface``. A person's id is ``slack:<user>``; a mark is Slack's hash of the view."""

    def __init__(self, connection: SlackConnection) -> None:
        self._connection = connection
        self._command = connection.settings.command

    def picture(self, page: HomePage) -> str:
        """Return the view as JSON."""
        return json.dumps(home_view(page, self._command), ensure_ascii=False, sort_keys=True)

    def publish(self, person: str, picture: str, mark: str | None) -> str:
        """Show the view; return its hash. Raises HomeOvertaken, HomeGone and Unavailable."""
        user = person.partition(":")[2]
        try:
            with self._connection.client() as client:
                published = client.views_publish(user_id=user, view=json.loads(picture), hash=mark)
        except SlackRefused as refused:
            if refused.error == "hash_conflict" and mark is not None:
                raise HomeOvertaken from refused
            if refused.error in GONE:
                raise HomeGone from refused
            raise
        return str((published.get("view") or {}).get("hash") or "")


def home_view(page: HomePage, command: str) -> dict[str, Any]:
    """Return the Home tab's view; ``command`` is the slash command that tells more."""
    language = page.language
    return {
        "type": "home",
        "callback_id": CALLBACK,
        "blocks": [
            *_my_steps(page, command),
            *_my_activations(page),
            *_filters(page),
            {"type": "divider"},
            *([_start(page)] if page.may_start else []),
            b.context(say("home.more", command=command).text(language)),
        ],
    }


def _my_steps(page: HomePage, command: str) -> list[b.Block]:
    built = [b.header(say("home.my_steps", count=page.steps_part.of).text(page.language))]
    if not page.steps:
        return [*built, b.section(say("home.no_steps").text(page.language))]
    for view, step in page.steps:
        built += _step(replace(view, steps=(step,), language=page.language), step, command)
    return [*built, *_turning(page, page.steps_part, "steps_page")]


def _step(view: OnboardingView, step: StepView, command: str) -> list[b.Block]:
    """Return a step's activation with the way to its thread, then its text and controls as in the thread's parent."""
    slack = view.surfaces.get("slack")
    parts = [
        link(slack.link, view.key) if slack and slack.link else f"*{view.key}*",
        inline(f"{view.operator} · {view.client} ({view.partner})", 160),
    ]
    if step.due_on is not None:
        parts.append(say("slack.due", day=step.due_on.isoformat()).text(view.language))
    if step.days_late:
        parts.append(f"*{late_mark(step.days_late, view.language)}*")
    elif step.changed_at is not None:
        parts.append(say("home.since", at=moment(step.changed_at)).text(view.language))
    shown, left = steps_with_controls(view, blocks=STEP_BLOCKS, characters=STEP_TEXT)
    if left:
        # Its controls find no room here; where there are more words there is more room.
        title = f"{ICONS[step.state]} *{inline(step.definition.title.text(view.language), 150)}*"
        more = say("slack.more_steps", count=1, command=command, key=view.key).text(view.language)
        shown = [b.section(f"{title}\n{more}")]
    noted = [_with_note(block, f"{view.key}:{step.id}", view.language) for block in shown]
    return [*(_named(block, view.key) for block in noted), b.context(" · ".join(parts))]


def _named(block: b.Block, key: str) -> b.Block:
    """Two activations at the same revision have the same step: on one surface their block ids must differ."""
    return block | {"block_id": f"{block['block_id']}:{key}"} if "block_id" in block else block


def _with_note(block: b.Block, about: str, language: Language) -> b.Block:
    """Put a button for a note beside a step's buttons, where there is none that takes notes about its boxes."""
    if block["type"] != "actions" or not block["block_id"].endswith(":actions"):
        return block
    if any(element["action_id"] == box_notes.NOTE for element in block["elements"]):
        return block
    return block | {"elements": [*block["elements"], _note(about, language)]}


def _note(about: str, language: Language) -> b.Block:
    return b.button(say("home.note").text(language), NOTE, about)


def _my_activations(page: HomePage) -> list[b.Block]:
    built = [b.header(say("home.my_activations", count=page.part.of).text(page.language))]
    if not page.activations:
        return [*built, b.section(say("home.no_activations").text(page.language))]
    return [
        *built,
        *(
            b.section(_line(view, page.language)) | {"accessory": _note(view.key, page.language)}
            for view in page.activations
        ),
        *_turning(page, page.part, "page"),
    ]


def _line(view: OnboardingView, language: Language) -> str:
    done, of = view.progress
    slack = view.surfaces.get("slack")
    key = link(slack.link, view.key) if slack and slack.link else view.key
    late = f"  *{late_mark(view.most_days_late, language)}*" if view.most_days_late else ""
    due = f"  · {say('slack.due', day=view.due.isoformat()).text(language)}" if view.due else ""
    acting = [step for step in view.steps if step.state in {"waiting", "failed", "running"}][:3]
    now = ", ".join(f"{ICONS[step.state]} {inline(step.definition.title.text(language), 60)}" for step in acting)
    about = inline(f"{view.operator} · {view.client} ({view.partner})", 160)
    return f"*{key}* {progress_bar(done, of)} {done}/{of}  {about}{due}{late}" + (f"\n{now}" if now else "")


def _turning(page: HomePage, part: Part, which: str) -> list[b.Block]:
    """Return the buttons that turn the pages of a list, none where it has only one."""
    if part.pages == 1:
        return []
    buttons = []
    for word, target in (("previous", part.page - 1), ("next", part.page + 1)):
        if 0 <= target < part.pages:
            buttons.append(b.button(say(f"home.{word}").text(page.language), f"home_{which}_{word}", str(target)))
    where = say("home.page", page=part.page + 1, pages=part.pages).text(page.language)
    return [{"type": "actions", "block_id": f"home:{page.revision}:{which}", "elements": buttons}, b.context(where)]


def _filters(page: HomePage) -> list[b.Block]:
    language, chosen = page.language, page.filters
    if not page.operators and not page.partners and chosen == type(chosen)():
        return []
    elements = []
    for name, offered, value in (
        ("operator", page.operators, chosen.operator),
        ("partner", tuple((code, code) for code in page.partners), chosen.partner),
    ):
        options = [b.option(say(f"home.all_{name}s").text(language), ALL)]
        options += [b.option(label, each) for each, label in _with_chosen(offered, value)]
        initial = next(option for option in options if option["value"] == (value or ALL))
        select: b.Block = {"type": "static_select", "action_id": f"home_{name}", "options": options}
        elements.append(select | {"initial_option": initial})
    late = say("home.all" if chosen.late else "home.late_only").text(language)
    elements.append(b.button(late, "home_late", "no" if chosen.late else "yes"))
    return [{"type": "actions", "block_id": f"home:{page.revision}:filters", "elements": elements}]


def _with_chosen(offered: tuple[tuple[str, str], ...], value: str) -> list[tuple[str, str]]:
    """Keep what is chosen among the choices, when the last activation of it has ended as well."""
    if value and value not in dict(offered):
        return [(value, value), *offered[:-1]] if len(offered) == b.MOST_OPTIONS - 1 else [(value, value), *offered]
    return list(offered)


def _start(page: HomePage) -> b.Block:
    button = b.button(say("home.start").text(page.language), "home_start", "start", style="primary")
    return {"type": "actions", "block_id": f"home:{page.revision}:start", "elements": [button]}
