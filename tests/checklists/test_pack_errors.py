"""Every error of the pack format: one at a time with its file and line, and all at once."""

import os
from pathlib import Path

import pytest
import yaml

from checklists.loader import PackErrors, find_packs, load_pack

T = "{fr: Texte, en: Text, es: Texto}"

FAULTS = yaml.safe_load(Path(__file__).with_name("pack_faults.yaml").read_text("utf-8"))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["fault"].replace(" ", "_"))
def test_each_fault_is_told_with_file_and_line(small_pack, fault: dict[str, str]) -> None:
    file = fault["file"]
    small_pack.replace(file, fault["replace"], fault["by"])
    problems = small_pack.problems()
    told = [problem for problem in problems if fault["says"] in str(problem)]
    assert told, "\n".join(str(problem) for problem in problems)
    where = fault.get("at", file)
    assert {problem.file for problem in told} == {where}
    assert all(problem.line for problem in told)
    if fault["line"] is not None:
        assert told[0].line == small_pack.line(where, fault["line"])


def test_a_good_pack_loads_with_everything_in_it(small_pack) -> None:
    pack = small_pack.load()
    assert pack.id == "operadora_x"
    assert pack.operator_code == "OPERADORA_X"
    assert [step.role for step in pack.checklist.steps] == [
        "manager", "manager", "partner", "data_base", "partner", "manager", "manager", "manager", "partner",
    ]  # fmt: skip
    assert pack.checklist.step("portal").needs == ()
    assert pack.checklist.step("mytem").parameters.otherwise == "confirm"
    assert pack.guide(pack.checklist.step("portal"), "es") == "Text."
    assert [(check.name, check.code, check.severity) for check in pack.checks] == [("total", "X_TOTAL", "block")]
    assert pack.findings["X_TOTAL"].message.en == "Invoice {number}"
    assert pack.output is not None
    assert pack.output.columns[1].blank
    assert pack.forms["form.yaml"].fields[0].id == "client_root"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("form.yaml", "- id: form"),
        ("files.yaml", "- id: pickup"),
        ("mapping.sql", "- id: pickup"),
        ("sample.mdb", "- id: pickup"),
        ("guide.fr.md", "guide: portal"),
        ("guide.en.md", "guide: portal"),
        ("guide.es.md", "guide: portal"),
    ],
)
def test_a_missing_file_is_told_at_the_step_that_needs_it(small_pack, name: str, text: str) -> None:
    small_pack.remove(name)
    (problem,) = small_pack.problems()
    assert f"the file {name} is missing" in problem.message
    assert (problem.file, problem.line) == ("checklist.yaml", small_pack.line("checklist.yaml", text))


@pytest.mark.parametrize("name", ["findings.yaml", "output.yaml"])
def test_optional_files_may_be_left_out(small_pack, name: str) -> None:
    small_pack.remove(name)
    small_pack.replace("checks/total.sql", "X_TOTAL", "NEW_REFS")
    small_pack.replace("files.yaml", ", X_TOTAL: warn", "")
    if name != "findings.yaml":
        small_pack.remove("findings.yaml")
    small_pack.load()


def test_a_pack_without_a_checklist_says_so(small_pack) -> None:
    small_pack.remove("checklist.yaml")
    (problem,) = small_pack.problems()
    assert str(problem) == "checklist.yaml: the file is missing: every pack has one"


def test_bytes_that_are_not_utf8_are_told_with_their_line(small_pack) -> None:
    small_pack.write("form.yaml", b"form: ofc_flux\ntitle: caf\xe9\n")
    told = [problem for problem in small_pack.problems() if problem.file == "form.yaml"]
    assert [(problem.line, problem.column, problem.message) for problem in told] == [(2, 11, "not UTF-8: byte 0xe9")]


def test_a_deeply_nested_file_is_refused(small_pack) -> None:
    small_pack.write("output.yaml", "columns: " + "[" * 20_000)
    assert any("not valid YAML" in problem.message for problem in small_pack.problems())


def test_aliases_that_multiply_are_refused(small_pack) -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    small_pack.write("output.yaml", "\n".join(rows))
    assert any("more than 100000 values" in problem.message for problem in small_pack.problems())


def test_a_link_that_leaves_the_folder_is_refused(small_pack, tmp_path: Path) -> None:
    outside = tmp_path / "outside.sql"
    outside.write_text("-- code: NEW_REFS\n-- severity: info\nSELECT 1\n", "utf-8")
    (small_pack.path / "checks" / "outside.sql").symlink_to(outside)
    (problem,) = small_pack.problems()
    assert (problem.file, problem.message) == (
        "checks/outside.sql",
        "a symbolic link that leaves the pack's folder",
    )


def test_a_pipe_in_the_folder_is_refused_without_waiting_for_it(small_pack) -> None:
    os.mkfifo(small_pack.path / "notes.txt")
    (problem,) = small_pack.problems()
    assert str(problem) == "notes.txt: neither a file nor a folder (remove it)"


def test_every_error_of_every_file_comes_at_once_in_order(small_pack) -> None:
    small_pack.replace("checklist.yaml", "Europe/Madrid", "Europe/Nowhere")
    small_pack.replace("checklist.yaml", f"title: {T}", "title: {fr: a, en: b}")
    small_pack.replace("checklist.yaml", "kind: watch", "kind: wach")
    small_pack.replace("checklist.yaml", "needs: [form, directory]", "needs: [nothing]")
    small_pack.replace("checklist.yaml", "[arrival, name, header]", "[header, name, arrivals]")
    small_pack.replace("form.yaml", "type: public_key", "type: pubkey")
    small_pack.replace("form.yaml", "example: ACME-IBERICA", "example: A B")
    small_pack.replace("files.yaml", "JET4", "JET5")
    small_pack.replace("files.yaml", "?P<root>", "")
    small_pack.replace("mapping.sql", "CREATE VIEW tax", "CREATE TABLE tax")
    small_pack.replace("checks/total.sql", "severity: block", "severity: blok")
    small_pack.replace("findings.yaml", "advice", "advise")
    small_pack.replace("output.yaml", "from: invoice_number", "from: nothing")
    small_pack.remove("guide.es.md")
    with pytest.raises(PackErrors) as caught:
        small_pack.load()
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.problems)
    for part in (
        "checklist.yaml:4: unknown time zone",
        "checklist.yaml:6: `title` has no text in Spanish",
        "checklist.yaml:14: the file guide.es.md is missing",
        "the needed step `nothing` does not exist",
        "the stage `name` is out of order after `header`",
        "must be one of arrival, name",
        "unknown kind of step `wach`",
        "form.yaml:10: the example `A B` does not match",
        "`type` must be one of text",
        "must be one of JET3, JET4",
        "`name` has no group `root`",
        "mapping.sql:3: only CREATE VIEW",
        "`blok` is no severity",
        "unknown key `advise`",
        "the key `advice` is missing",
        "OUTPUT v1 has no column `nothing`",
    ):
        assert any(part in line for line in lines), part
    files = [problem.file for problem in caught.value.problems]
    assert files == sorted(files)


def test_two_cycles_are_both_told(small_pack) -> None:
    small_pack.replace("checklist.yaml", "    guide: portal\n", "    guide: portal\n    needs: [portal]\n")
    small_pack.replace("checklist.yaml", "needs: [form, directory]", "needs: [ticket]")
    told = [problem.message for problem in small_pack.problems() if "circle" in problem.message]
    assert len(told) == 2


def test_a_stage_before_one_of_a_needed_step_is_out_of_order(small_pack) -> None:
    step = f"  - {{id: early, kind: chain, needs: [mytem], title: {T}, with: {{stages: [name, read]}}}}\n"
    small_pack.write("checklist.yaml", (small_pack.path / "checklist.yaml").read_text("utf-8") + step)
    (problem,) = small_pack.problems()
    assert "the stage `name` is out of order: `pickup`, which comes first, runs `header`" in problem.message


def test_the_digest_follows_every_byte_and_name(small_pack) -> None:
    first = small_pack.load().digest
    assert small_pack.load().digest == first
    small_pack.write("README.md", "About.")
    second = small_pack.load().digest
    (small_pack.path / "README.md").rename(small_pack.path / "READ.md")
    assert len({first, second, small_pack.load().digest}) == 3


def test_packs_are_found_by_their_folder(small_pack, tmp_path: Path) -> None:
    (tmp_path / "no_pack").mkdir()
    assert find_packs([tmp_path, tmp_path]) == {"operadora_x": small_pack.path}


def test_one_id_in_two_folders_is_an_error(small_pack, tmp_path: Path) -> None:
    other = tmp_path / "more" / "operadora_x"
    other.mkdir(parents=True)
    (other / "checklist.yaml").write_text("pack: operadora_x\n", "utf-8")
    with pytest.raises(PackErrors, match="the pack `operadora_x` is also in"):
        find_packs([tmp_path, tmp_path / "more"])


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path, kinds) -> None:
    with pytest.raises(PackErrors, match="does not exist"):
        find_packs([tmp_path / "nowhere"])
    with pytest.raises(PackErrors, match="no such folder"):
        load_pack(tmp_path / "nowhere", kinds)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "steps: []",
        "steps: 5\noptions: 7\n",
        "steps: [1, x, [], {id: 5, kind: [a], needs: {a: b}, with: 3, ticks: 4, due: 5}]\noptions: [1]\n",
        "pack: {a: b}\nsteps: [{kind: chain, with: {stages: {}}}, {kind: form, with: {form: 5}}]\n",
        "columns: [1]\nsections: [1, {fields: [1]}, {fields: 3}]\ntables: [1]\ntax: [1]\nX_TOTAL: 3\n",
    ],
)
def test_files_of_the_wrong_shape_give_problems_and_no_crash(small_pack, content: str) -> None:
    for name in ("checklist.yaml", "form.yaml", "files.yaml", "findings.yaml", "output.yaml"):
        small_pack.write(name, content)
    assert small_pack.problems()
