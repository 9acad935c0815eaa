"""Finding and loading operator packs: every error of every file at once, each with its file and line.

PackErrors(ValueError)      a pack that cannot be used, or two packs with one id
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel

from checklists import guide, sql
from checklists.checklist_rules import PlacedStep, read_checklist
from checklists.files_rules import read_files, read_findings, read_output, untold_codes
from checklists.folder import PackFolder, open_folder
from checklists.form_rules import read_form
from checklists.model import (
    LANGUAGES,
    Checklist,
    Files,
    FindingTexts,
    Form,
    FormParameters,
    Language,
    OutputProfile,
    Pack,
    PackCheck,
)
from checklists.problem import PackErrors, PackProblem
from checklists.source import Source, decode, read_yaml
from checklists.vocabulary import SHARED_CODES

__all__ = ["PackErrors", "PackProblem", "builtin_packs", "find_packs", "load_pack"]

CHECKLIST = "checklist.yaml"
FILES = "files.yaml"
FINDINGS = "findings.yaml"
MAPPING = "mapping.sql"
OUTPUT = "output.yaml"
SAMPLE = "sample.mdb"


def builtin_packs() -> Path:
    """Return the folder whose subfolders with a checklist.yaml are the packs that come with the product."""
    return Path(__file__).resolve().parent


def find_packs(directories: Sequence[Path]) -> Mapping[str, Path]:
    """Return the packs in these directories (pass ``builtin_packs()`` among them) by id, sorted.

    A pack is a folder with a checklist.yaml; its id is its name. Raises PackErrors for an id in two places and for
    a directory that does not exist.
    """
    found: dict[str, Path] = {}
    problems: list[PackProblem] = []
    for directory in dict.fromkeys(one.resolve() for one in directories):
        if not directory.is_dir():
            problems.append(PackProblem(str(directory), None, None, "the folder of packs does not exist"))
            continue
        for pack in sorted(one.parent for one in directory.glob(f"*/{CHECKLIST}")):
            if pack.name in found:
                message = f"the pack `{pack.name}` is also in {found[pack.name].parent}"
                problems.append(PackProblem(str(pack), None, None, message, "rename one of the two"))
            found.setdefault(pack.name, pack)
    if problems:
        raise PackErrors(problems)
    return dict(sorted(found.items()))


def load_pack(path: Path, kinds: Mapping[str, type[BaseModel]]) -> Pack:
    """Load the pack in the folder ``path``; ``kinds`` gives the parameter model of each known kind of step.

    Raises PackErrors with all problems of all files at once.
    """
    if not path.is_dir():
        raise PackErrors([PackProblem(str(path), None, None, "there is no such folder")])
    loading = _Loading(open_folder(path))
    pack = loading.load(kinds)
    if loading.problems or pack is None:
        raise PackErrors(loading.problems)
    return pack


@dataclass
class _Loading:
    """One reading of a pack: its folder, and the problems found so far."""

    folder: PackFolder
    problems: list[PackProblem] = field(default_factory=list)

    def load(self, kinds: Mapping[str, type[BaseModel]]) -> Pack | None:
        """Read every file of the pack, and note the problems."""
        self.problems.extend(self.folder.problems)
        name = self.folder.path.name
        if CHECKLIST not in self.folder.files:
            self.problems.append(PackProblem(CHECKLIST, None, None, "the file is missing: every pack has one"))
        source = self._yaml(CHECKLIST)
        checklist: Checklist | None = None
        steps: list[PlacedStep] = []
        if source is not None:
            checklist, steps = read_checklist(source, name, kinds, self.problems)
            self._require_files(source, steps)
        forms = self._forms(source, steps)
        guides = self._guides(source, steps)
        mapping = self._text(MAPPING)
        if mapping is not None:
            self.problems.extend(sql.mapping_problems(MAPPING, mapping))
        checks, codes = self._checks()
        findings = self._findings(codes)
        files = self._files(codes)
        output = self._output()
        if checklist is None or self.problems:
            return None
        return Pack(
            path=self.folder.path,
            digest=self.folder.digest(),
            checklist=checklist,
            forms=forms,
            files=files,
            mapping_sql=mapping,
            checks=tuple(checks),
            findings=findings,
            output=output,
            guides=guides,
        )

    def _yaml(self, name: str) -> Source | None:
        """Read a YAML file of the pack; None when it is not there or cannot be read at all."""
        if name not in self.folder.files:
            return None
        source, problems = read_yaml(name, self.folder.read(name))
        self.problems.extend(problems)
        return None if source.value is None else source

    def _text(self, name: str) -> str | None:
        if name not in self.folder.files:
            return None
        text, problems = decode(name, self.folder.read(name))
        self.problems.extend(problems)
        return text

    def _require_files(self, source: Source, steps: Sequence[PlacedStep]) -> None:
        """Note the files that a step needs and the pack does not have, at the first step that needs each."""
        missing: dict[str, PackProblem] = {}
        for one in steps:
            for name in _needed_files(one):
                if name not in self.folder.files:
                    message = f"the file {name} is missing: a step of kind {one.step.kind} needs it"
                    missing.setdefault(name, source.problem(one.path, message))
        self.problems.extend(missing.values())

    def _forms(self, source: Source | None, steps: Sequence[PlacedStep]) -> Mapping[str, Form]:
        """Read the forms that steps name, and form.yaml in any case, by file name."""
        names = dict.fromkeys(name for one in steps if (name := _form_file(one)))
        forms: dict[str, Form] = {}
        for name in (*names, *({"form.yaml"} - names.keys())):
            form_source = self._yaml(name)
            form = read_form(form_source, self.problems) if form_source else None
            if form is not None:
                forms[name] = form
        return forms

    def _guides(self, source: Source | None, steps: Sequence[PlacedStep]) -> Mapping[Language, Mapping[str, str]]:
        guides: dict[Language, Mapping[str, str]] = {}
        guided = [one for one in steps if one.step.guide is not None]
        for language in LANGUAGES:
            name = f"guide.{language}.md"
            text = self._text(name)
            if text is not None:
                guides[language] = guide.sections(text)
            if source is None:
                continue
            for one in guided:
                path = (*one.path, "guide")
                if name not in self.folder.files:
                    self.problems.append(source.problem(path, f"the file {name} is missing: this step has a guide"))
                elif text is not None and not guides[language].get(str(one.step.guide)):
                    how = "is empty" if one.step.guide in guides[language] else "is missing"
                    message = f"the section `## {one.step.guide}` of {name} {how}"
                    self.problems.append(source.problem(path, message))
        return guides

    def _checks(self) -> tuple[list[PackCheck], Mapping[str, tuple[str, int]]]:
        """Return the checks that can be read, and the code and its line of every file of checks/."""
        checks: list[PackCheck] = []
        codes: dict[str, tuple[str, int]] = {}
        for name in sorted(self.folder.files):
            text = self._text(name) if name.startswith("checks/") and name.endswith(".sql") else None
            if text is None:
                continue
            check, problems = sql.read_check(name, text)
            self.problems.extend(problems)
            code = sql.reported_code(text)
            if code is not None:
                codes[name] = code
            if check is not None:
                checks.append(check)
        return checks, codes

    def _findings(self, codes: Mapping[str, tuple[str, int]]) -> Mapping[str, FindingTexts]:
        source = self._yaml(FINDINGS)
        if source is None and FINDINGS in self.folder.files:
            return {}
        own = frozenset(code for code, _ in codes.values())
        findings = read_findings(source, own, self.problems) if source else {}
        self.problems.extend(untold_codes(codes, frozenset(source.value) if source else frozenset()))
        return findings

    def _files(self, codes: Mapping[str, tuple[str, int]]) -> Files | None:
        source = self._yaml(FILES)
        known = SHARED_CODES | {code for code, _ in codes.values()}
        return read_files(source, known, self.problems) if source else None

    def _output(self) -> OutputProfile | None:
        source = self._yaml(OUTPUT)
        return read_output(source, self.problems) if source else None


def _needed_files(one: PlacedStep) -> Iterator[str]:
    if one.step.kind == "chain":
        yield from (FILES, MAPPING, SAMPLE)
    form = _form_file(one)
    if form:
        yield form


def _form_file(one: PlacedStep) -> str | None:
    return one.step.parameters.form if isinstance(one.step.parameters, FormParameters) else None
