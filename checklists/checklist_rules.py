"""checklist.yaml: read into a Checklist, with the rules that look across steps (pack format, "Errors")."""

import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from string import Formatter
from typing import Any

from pydantic import BaseModel

from checklists.model import (
    STAGES,
    AskParameters,
    ChainParameters,
    Checklist,
    ConfirmParameters,
    Option,
    ReferencesParameters,
    Step,
    TicketParameters,
    WatchParameters,
)
from checklists.problem import PackProblem
from checklists.source import KeyPath, Source
from checklists.time_zone import is_time_zone
from checklists.validation import nearest, validate
from checklists.vocabulary import SUMMARY_PLACEHOLDERS

# Pack format: without `role` it is the manager, except for these kinds.
_ROLES = {"form": "partner", "deposit": "partner", "ask": "partner", "ticket": "data_base"}

# The kinds of steps that a person confirms: others end by what the bot or a server has seen.
_CONFIRMED_BY_PEOPLE = (ConfirmParameters, AskParameters, ReferencesParameters, WatchParameters)

_TEXT = {"fr": "?", "en": "?", "es": "?"}
_OPTION = {"id": "unreadable", "type": "boolean", "label": _TEXT}
_STEP = {"id": "unreadable", "kind": "?", "title": _TEXT, "role": "manager"}
_REPLACEMENTS: Mapping[str, Any] = {
    "pack": "unreadable",
    "version": 1,
    "operator": {"name": "?", "country": "ES"},
    "title": _TEXT,
    "options.*": _OPTION,
    **{f"options.*.{key}": value for key, value in _OPTION.items()},
    "steps": [_STEP],
    "steps.*": _STEP,
    **{f"steps.*.{key}": value for key, value in _STEP.items()},
}


@dataclass(frozen=True)
class PlacedStep:
    """A step with its place in the file. ``id`` is what the file says, also where that is no legal id."""

    path: KeyPath
    id: str | None
    step: Step
    raw: Mapping[str, Any]


def read_checklist(
    source: Source, folder: str, kinds: Mapping[str, type[BaseModel]], problems: list[PackProblem]
) -> tuple[Checklist | None, list[PlacedStep]]:
    """Read checklist.yaml of the pack in ``folder`` (the folder's name) and note every problem.

    With problems the steps are returned all the same, as far as they could be read, for rules on other files.
    """
    draft = validate(Checklist, source, _without_parameters(source, problems), problems, replacements=_REPLACEMENTS)
    if draft is None:
        return None, []
    raw_steps = source.value.get("steps")
    raws = [raw if isinstance(raw, dict) else {} for raw in raw_steps] if isinstance(raw_steps, list) else []
    placed = []
    for index, (step, raw) in enumerate(zip(draft.steps, raws, strict=False)):
        path = ("steps", index)
        parameters = _parameters(source, path, raw, kinds, problems)
        name = raw.get("id")
        placed.append(
            PlacedStep(
                path, name if isinstance(name, str) else None, step.model_copy(update={"parameters": parameters}), raw
            )
        )
    problems.extend(_head_problems(source, draft, folder))
    problems.extend(_option_problems(source, draft.options))
    problems.extend(_duplicates(source, ("steps",), "step"))
    for one in placed:
        problems.extend(_step_problems(source, one))
        problems.extend(_when_problems(source, one, draft.options))
        problems.extend(_reference_problems(source, one, placed))
    problems.extend(_cycle_problems(source, placed))
    problems.extend(_stage_order_problems(source, placed))
    return draft.model_copy(update={"steps": tuple(one.step for one in placed)}), placed


def _without_parameters(source: Source, problems: list[PackProblem]) -> Any:
    """Return the file's value without the keys ``with``, which each kind reads, and with the default roles."""
    value = deepcopy(source.value)
    steps = value.get("steps")
    for index, step in enumerate(steps if isinstance(steps, list) else []):
        if not isinstance(step, dict):
            continue
        step.pop("with", None)
        if "parameters" in step:
            del step["parameters"]
            where = ("steps", index, "parameters")
            problems.append(source.problem(where, "unknown key `parameters`", "did you mean `with`?"))
        step.setdefault("role", _ROLES.get(str(step.get("kind")), "manager"))
    return value


def _parameters(
    source: Source,
    path: KeyPath,
    raw: Mapping[str, Any],
    kinds: Mapping[str, type[BaseModel]],
    problems: list[PackProblem],
) -> BaseModel | None:
    kind = raw.get("kind")
    if not isinstance(kind, str):
        return None
    if kind not in kinds:
        problems.append(source.problem((*path, "kind"), f"unknown kind of step `{kind}`", nearest(kind, kinds)))
        return None
    given = raw.get("with")
    if given is not None and not isinstance(given, dict):
        problems.append(source.problem((*path, "with"), "`with` must hold keys with values"))
        return None
    return validate(kinds[kind], source, given or {}, problems, path=(*path, "with"))


def _head_problems(source: Source, checklist: Checklist, folder: str) -> Iterator[PackProblem]:
    if checklist.pack not in {folder, "unreadable"}:
        yield source.problem(
            ("pack",), f"the pack is called `{checklist.pack}`, its folder `{folder}`", "give both the same name"
        )
    if not is_time_zone(checklist.time_zone):
        hint = nearest(checklist.time_zone, zoneinfo.available_timezones()) or "a name such as Europe/Madrid"
        yield source.problem(("time_zone",), f"unknown time zone `{checklist.time_zone}`", hint)
    for index, country in enumerate(checklist.calendar):
        if not _has_holidays(country):
            message = f"no public holidays are known for `{country}`"
            yield source.problem(("calendar", index), message, "ISO 3166 country codes such as ES, FR")


def _has_holidays(country: str) -> bool:
    """Tell whether a country of two letters is known; its own calendar is not loaded for that."""
    from holidays.registry import COUNTRIES  # noqa: PLC0415 - only a pack with a calendar of its own needs it

    return any(country == alpha_2 for _, alpha_2, *_ in COUNTRIES.values())


def _option_problems(source: Source, options: Sequence[Option]) -> Iterator[PackProblem]:
    yield from _duplicates(source, ("options",), "option")
    for index, option in enumerate(options):
        path = ("options", index)
        raw = source.value["options"][index]
        if not isinstance(raw, dict) or raw.get("type") != option.type:
            continue
        if option.type == "choice" and not option.choices:
            yield source.problem(path, f"the option `{option.id}` is a choice without `choices`")
        elif option.type == "boolean" and option.choices:
            yield source.problem((*path, "choices"), f"the option `{option.id}` is boolean: it has no `choices`")
        elif len(set(option.choices)) < len(option.choices):
            yield source.problem((*path, "choices"), "a choice is there twice")


def _duplicates(source: Source, path: KeyPath, noun: str) -> Iterator[PackProblem]:
    """Tell which ids stand twice in the list at ``path``."""
    items: Any = source.value
    for key in path:
        items = items.get(key) if isinstance(items, dict) and isinstance(key, str) else items[key]
    first: dict[str, int] = {}
    for index, item in enumerate(items if isinstance(items, list) else []):
        name = item.get("id") if isinstance(item, dict) else None
        if not isinstance(name, str):
            continue
        where = (*path, index, "id")
        if name in first:
            yield source.problem(where, f"the {noun} `{name}` is there twice, first on line {first[name]}")
        first.setdefault(name, source.position(where)[0])


def _step_problems(source: Source, placed: PlacedStep) -> Iterator[PackProblem]:
    """Tell what is wrong within one step."""
    step, path = placed.step, placed.path
    yield from _duplicates(source, (*path, "ticks"), "tick") if step.ticks else ()
    raw_with = placed.raw.get("with") or {}
    match step.parameters:
        case ConfirmParameters(choices=choices):
            yield from _duplicates(source, (*path, "with", "choices"), "choice") if choices else ()
            if step.ticks and choices:
                yield source.problem((*path, "ticks"), "a confirm has either `ticks` or `with: {choices: …}`, not both")
            elif not (placed.raw.get("ticks") or choices or raw_with):
                yield source.problem(path, "a confirm needs `ticks` or `with: {choices: …}`, 1 to 10 of them")
        case TicketParameters(done=done) if not (done.resolutions or done.statuses):
            yield source.problem(
                (*path, "with", "done"), "`done` names neither resolutions nor statuses: the ticket would never end"
            )
    if step.ticks and step.parameters is not None and not isinstance(step.parameters, ConfirmParameters):
        yield source.problem((*path, "ticks"), f"a step of kind {step.kind} has no `ticks`, only a confirm has")
    if step.confirmations > 1 and step.parameters is not None and not isinstance(step.parameters, _CONFIRMED_BY_PEOPLE):
        message = f"a step of kind {step.kind} is confirmed by nobody: it takes no `confirmations`"
        yield source.problem((*path, "confirmations"), message, "only confirm, ask, references and watch take them")
    if step.kind == "ticket" and isinstance(raw_with, dict):
        yield from _summary_problems(source, (*path, "with", "summary"), raw_with.get("summary"))
    if step.kind == "chain" and isinstance(raw_with, dict):
        yield from _order_problems(source, (*path, "with", "stages"), raw_with.get("stages"))


def _summary_problems(source: Source, path: KeyPath, summary: object) -> Iterator[PackProblem]:
    if not isinstance(summary, str):
        return
    try:
        parts = list(Formatter().parse(summary))
    except ValueError as error:
        yield source.problem(path, f"the summary cannot be filled in: {error}", "write {{ for a brace")
        return
    for _, name, form, conversion in parts:
        if name is not None and (name not in SUMMARY_PLACEHOLDERS or form or conversion):
            yield source.problem(
                path, f"unknown placeholder `{{{name}}}` in the summary", nearest(name, SUMMARY_PLACEHOLDERS)
            )


def _order_problems(source: Source, path: KeyPath, stages: object) -> Iterator[PackProblem]:
    """Tell which known stage does not follow the one before it (unknown ones are told elsewhere)."""
    before = -1
    for index, stage in enumerate(stages if isinstance(stages, list) else []):
        if stage not in STAGES:
            continue
        place = STAGES.index(stage)
        if place <= before:
            message = f"the stage `{stage}` is out of order after `{STAGES[before]}`"
            yield source.problem((*path, index), message, f"the order is {', '.join(STAGES)}")
        before = max(before, place)


def _when_problems(source: Source, placed: PlacedStep, options: Sequence[Option]) -> Iterator[PackProblem]:
    known = {option.id: option for option in options}
    for name, value in placed.step.when.items():
        path = (*placed.path, "when", name)
        option = known.get(name)
        if option is None:
            yield source.problem(path, f"there is no option `{name}`", nearest(name, known))
        elif not option.accepts(value):
            legal = "true, false" if option.type == "boolean" else ", ".join(option.choices)
            shown = str(value).lower() if isinstance(value, bool) else value
            yield source.problem(path, f"`{shown}` is no value of the option `{name}`", f"known: {legal}")


def _reference_problems(source: Source, placed: PlacedStep, steps: Sequence[PlacedStep]) -> Iterator[PackProblem]:
    """Tell which need or due date names a step that does not exist."""
    known = {one.id for one in steps if one.id is not None}
    for index, need in enumerate(placed.step.needs):
        if need not in known:
            yield source.problem(
                (*placed.path, "needs", index), f"the needed step `{need}` does not exist", nearest(need, known)
            )
        elif need in placed.step.needs[:index]:
            yield source.problem((*placed.path, "needs", index), f"the need `{need}` is there twice")
    due = placed.step.due
    if due and due.after != "start" and (due.after not in known or due.after == placed.id):
        what = "is the step itself" if due.after == placed.id else "does not exist"
        yield source.problem(
            (*placed.path, "due", "after"), f"`after: {due.after}` {what}", nearest(due.after, known | {"start"})
        )
    elif due and due.after != "start" and placed.id in _reachable(_needs(steps), due.after):
        yield source.problem(
            (*placed.path, "due", "after"),
            f"`after: {due.after}` comes later: it needs `{placed.id}`",
            "count from a step that comes before, or from start",
        )


def _cycle_problems(source: Source, steps: Sequence[PlacedStep]) -> Iterator[PackProblem]:
    """Tell every cycle of needs once: after each, one of its needs is taken away and the rest is looked at."""
    if len({one.id for one in steps}) < len(steps):
        return  # two steps of one name: the circle may be only in the name
    graph = _needs(steps)
    paths = {one.id: one.path for one in steps if one.id is not None}
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            cycle: list[str] = error.args[1][::-1]
            yield source.problem(
                (*paths[cycle[0]], "needs"), f"the needs go round in a circle: {' needs '.join(cycle)}"
            )
            graph[cycle[0]].discard(cycle[1])
        else:
            return


def _needs(steps: Sequence[PlacedStep]) -> dict[str, set[str]]:
    known = {one.id for one in steps if one.id is not None}
    return {one.id: set(one.step.needs) & known for one in steps if one.id is not None}


def _stage_order_problems(source: Source, steps: Sequence[PlacedStep]) -> Iterator[PackProblem]:
    """Tell which chain step runs a stage that must come before one of a step that it needs."""
    graph = _needs(steps)
    chains = {
        one.id: one.step.parameters.stages
        for one in steps
        if one.id is not None and isinstance(one.step.parameters, ChainParameters)
    }
    for one in steps:
        if one.id not in chains:
            continue
        first = min(chains[one.id], key=STAGES.index)
        for earlier in sorted(_reachable(graph, one.id) & chains.keys() - {one.id}):
            last = max(chains[earlier], key=STAGES.index)
            if STAGES.index(first) <= STAGES.index(last):
                yield source.problem(
                    (*one.path, "with", "stages"),
                    f"the stage `{first}` is out of order: `{earlier}`, which comes first, runs `{last}`",
                )


def _reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for need in graph.get(waiting.pop(), set()) - found:
            found.add(need)
            waiting.append(need)
    return found
