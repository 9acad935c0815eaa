"""The TELEFONICA España pack: what the procedure and the domain ask of it."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import jsonschema
import pytest
import yaml

import pipeline
from bot.onboarding.answers import check_answers
from checklists.model import LANGUAGES, ConfirmParameters, DepositParameters, Form, Localized, Pack
from checklists.schema import pack_schemas
from checklists.source import read_yaml
from checklists.vocabulary import SHARED_CODES

FTP, CONSOLE, OFC = {"deposit": "ftp"}, {"deposit": "console"}, {"ofc": True}

# id, kind, when, needs, role
STEPS = [
    ("portal", "confirm", {}, [], "manager"),
    ("sofia_install", "confirm", {}, ["portal"], "manager"),
    ("sofia_login", "confirm", {}, ["sofia_install"], "manager"),
    ("download", "confirm", {}, ["sofia_login"], "manager"),
    ("load", "confirm", {}, ["download"], "manager"),
    ("directory", "directory", FTP, [], "manager"),
    ("form", "form", OFC, [], "partner"),
    ("ticket", "ticket", OFC, ["form", "directory"], "data_base"),
    ("deposit", "deposit", {}, ["load", "directory"], "partner"),
    ("console_follow_up", "confirm", CONSOLE, ["deposit"], "manager"),
    ("pickup", "chain", {}, ["deposit"], "manager"),
    ("processing", "chain", {}, ["pickup"], "manager"),
    ("output", "chain", {}, ["processing"], "manager"),
    ("references", "references", {}, ["output"], "manager"),
    ("mytem", "watch", {}, ["output"], "manager"),
    ("ofc_sent", "chain", OFC, ["output", "ticket"], "manager"),
    ("ofc_received", "ask", OFC, ["ofc_sent"], "partner"),
]

MENUS = {
    "portal": ["https://www.canalpremium.telefonica.es/portal/site/inicio/login"],
    "sofia_install": [
        "Facturacion / Archivos de Facturacion",
        "Descargar Software SOFIA Gestion",
        "Descargar SOFIA v5",
    ],
    "sofia_login": ["SOFIA GESTION"],
    "download": [
        "Facturacion / Archivos de Facturacion",
        "Descargar archivos de facturación",
        "Descargar XXX.exe",
    ],
    "load": ["Archivo / Cargar Facturacion", "Comenzar proceso", "Aceptar", "MDB"],
    "deposit": ["Myconsole360", "Client / Dépôt / Dépôt de fichiers", "*.MDB", "Fichier(s) téléchargé(s)"],
    "console_follow_up": [
        "Client / Dépôt / Suivi des dépôts",
        "`Flux`",
        "`Client`",
        "`Statut`",
        "Submitted",
        "In process",
        "File error",
        "Integrated",
        "Loaded",
    ],
}

FIELD_IDS = """
request_type environment partner_name partner_code client_name client_root client_tax_ids operator country
supplier_tax_ids import_type source_tool source_format billing_accounts frequency expected_day sla_days
first_period history_periods in_protocol in_directory ofc_required ofc_protocol ofc_host ofc_port ofc_directory
ofc_login ofc_auth ofc_public_key ofc_secret_ref ofc_host_key_fingerprint ofc_filename_pattern ofc_format
security_exception_ref ofc_pgp_fingerprint
ofc_encoding ofc_separator ofc_decimal ofc_quote ofc_line_ending ofc_bom ofc_compression ofc_encryption
ofc_done_marker ofc_manifest ofc_retention_days ofc_recipients business_name business_email business_phone
tech_name tech_email tech_phone security_name security_email security_phone escalation_name escalation_email
escalation_phone partner_ips currency language timezone target_golive gdpr_ack cdr_included volume_lines volume_mb
filled_by filled_at
"""

REQUIRED_IDS = """
request_type partner_name client_name client_tax_ids import_type frequency first_period ofc_protocol ofc_encoding
ofc_separator ofc_decimal ofc_recipients business_name business_email business_phone tech_name tech_email tech_phone
target_golive gdpr_ack cdr_included
"""

FILLED = {
    "partner_code": "partner",
    "client_root": "root",
    "environment": "environment",
    "operator": "operator",
    "country": "country",
    "in_protocol": "in_protocol",
    "in_directory": "in_directory",
    "filled_at": "filled_at",
}


@pytest.fixture
def form(telefonica: Pack) -> Form:
    return telefonica.forms["form.yaml"]


def test_the_steps_are_those_of_the_design(telefonica: Pack) -> None:
    steps = [(step.id, step.kind, dict(step.when), list(step.needs), step.role) for step in telefonica.checklist.steps]
    ids = [name for name, *_ in STEPS]
    assert steps == [*STEPS, ("sign_off", "confirm", {}, ids, "manager")]


def test_the_chain_steps_run_every_stage_but_the_assignment_of_references(telefonica: Pack) -> None:
    stages = {step.id: list(step.parameters.stages) for step in telefonica.checklist.steps if step.kind == "chain"}
    assert stages == {
        "pickup": ["arrival", "name", "header"],
        "processing": ["read", "schema", "identity", "duplicates", "totals"],
        "output": ["output", "integration"],
        "ofc_sent": ["ofc", "delivery"],
    }


def test_the_options_are_ofc_and_deposit(telefonica: Pack) -> None:
    options = [(option.id, option.type, option.choices) for option in telefonica.checklist.options]
    assert options == [("ofc", "boolean", ()), ("deposit", "choice", ("ftp", "console"))]
    assert telefonica.checklist.calendar == ("ES", "FR")


def test_the_follow_up_has_the_five_statuses_and_is_due_the_next_working_day(telefonica: Pack) -> None:
    step = telefonica.checklist.step("console_follow_up")
    assert isinstance(step.parameters, ConfirmParameters)
    assert {choice.id: choice.outcome for choice in step.parameters.choices} == {
        "submitted": "wait",
        "in_process": "wait",
        "file_error": "fail",
        "integrated": "wait",
        "loaded": "done",
    }
    assert step.due is not None
    assert (step.due.working_days, step.due.after) == (1, "deposit")


def test_the_deposit_names_the_three_fields_to_choose_in_my_console(telefonica: Pack) -> None:
    parameters = telefonica.checklist.step("deposit").parameters
    assert isinstance(parameters, DepositParameters)
    assert [field.label.en for field in parameters.fields] == ["Client", "Import type", "Operator"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("section", MENUS)
def test_the_guides_quote_the_menus_word_for_word(telefonica: Pack, language: str, section: str) -> None:
    text = telefonica.guides[language][section]
    assert [menu for menu in MENUS[section] if menu not in text] == []


def test_every_sub_step_of_the_procedure_has_its_tick_with_the_menu_in_every_language(telefonica: Pack) -> None:
    for name in ("sofia_install", "download", "load"):
        ticks = telefonica.checklist.step(name).ticks
        menus = [menu for menu in MENUS[name] if menu != "MDB"]
        for language in LANGUAGES:
            labels = " ".join(tick.label.text(language) for tick in ticks)
            assert [menu for menu in menus if menu not in labels] == [], (name, language)


def test_texts_fit_slack(telefonica: Pack) -> None:
    limits = [(75, _options(telefonica)), (60, _titles(telefonica)), (3000, _guides(telefonica))]
    for limit, texts in limits:
        for text in texts:
            assert 0 < len(text) <= limit, text
    assert all(len(step.ticks) <= 10 for step in telefonica.checklist.steps)


def _options(pack: Pack) -> Iterator[str]:
    for step in pack.checklist.steps:
        choices = step.parameters.choices if isinstance(step.parameters, ConfirmParameters) else ()
        for label in (tick.label for tick in step.ticks):
            yield from _all(label)
        for label in (choice.label for choice in choices):
            yield from _all(label)
    for field in pack.forms["form.yaml"].fields:
        yield from field.choices


def _titles(pack: Pack) -> Iterator[str]:
    for step in pack.checklist.steps:
        yield from _all(step.title)
    for option in pack.checklist.options:
        yield from _all(option.label)
    for section in pack.forms["form.yaml"].sections:
        yield from _all(section.title)


def _guides(pack: Pack) -> Iterator[str]:
    for guide in pack.guides.values():
        yield from guide.values()


def _all(text: Localized) -> tuple[str, ...]:
    return tuple(text.text(language) for language in LANGUAGES)


def test_the_form_has_the_fields_of_the_ticket(form: Form) -> None:
    assert sorted(field.id for field in form.fields) == sorted(FIELD_IDS.split())


def test_the_form_asks_what_is_required_and_the_bot_fills_the_rest(form: Form) -> None:
    assert sorted(field.id for field in form.fields if field.required) == sorted(REQUIRED_IDS.split())
    assert {field.id: field.fill for field in form.fields if field.fill} == FILLED
    assert {field.id: dict(field.required_when) for field in form.fields if field.required_when} == {
        "ofc_public_key": {"ofc_auth": "PUBLIC_KEY"},
        "ofc_retention_days": {"cdr_included": True},
        "ofc_pgp_fingerprint": {"ofc_encryption": "PGP"},
    }


def test_every_example_of_the_form_is_a_right_answer(form: Form) -> None:
    assert [field.id for field in form.fields if field.example is None] == []
    examples = {field.id: field.example or "" for field in form.fields}
    filled = {name: text for name, text in examples.items() if name in FILLED}
    # Asked with a deposit by plain FTP, and with encryption by PGP.
    examples |= {"ofc_encryption": "PGP"}
    filled["in_protocol"] = "FTP"
    answers = check_answers(form, examples, filled, today=date(2026, 11, 24))
    assert set(answers.values) == set(examples)
    assert answers.warnings == {}


def test_the_files_describe_the_assumed_database(telefonica: Pack) -> None:
    files = telefonica.files
    assert files is not None
    assert files.status == "assumed"
    assert {name: len(table.columns) for name, table in files.tables.items()} == {
        "SOPORTE": 14,
        "CLIENTES": 6,
        "FACTURAS": 15,
        "RESUMEN_IVA": 5,
        "ABONADOS": 10,
        "CUOTAS": 11,
        "DETALLE_LLAMADAS": 14,
        "CENTROS_COSTE": 3,
    }
    assert set(files.issuers) == {"A78923125", "A82018474"}


def test_the_sample_is_a_jet4_database_of_whole_pages(telefonica: Pack) -> None:
    content = (telefonica.path / "sample.mdb").read_bytes()
    assert content[4:19] == b"Standard Jet DB"
    assert content[0x14] == 1
    assert len(content) % 4096 == 0


@pytest.mark.parametrize("name", ["checklist.yaml", "form.yaml", "files.yaml"])
def test_the_files_fit_their_json_schemas(telefonica: Pack, name: str) -> None:
    source, problems = read_yaml(name, (telefonica.path / name).read_bytes())
    assert problems == []
    schema = pack_schemas()[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(source.value, schema, jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("stages: [arrival, name, header]", "stages: [arrival, naming]"),
        ("kind: references", "kind: reference"),
        ("else: confirm", "otherwise: confirm"),
        ("    role: data_base\n", "    rol: data_base\n"),
        ("outcome: fail", "outcome: failed"),
    ],
)
def test_the_schema_of_the_checklist_refuses_what_the_loader_refuses(telefonica: Pack, old: str, new: str) -> None:
    text = (telefonica.path / "checklist.yaml").read_text("utf-8")
    assert old in text
    source, _ = read_yaml("checklist.yaml", text.replace(old, new, 1).encode())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(source.value, pack_schemas()["checklist.yaml"], jsonschema.Draft202012Validator)


def test_the_shared_codes_are_those_that_the_pipeline_has_texts_for() -> None:
    catalogue = yaml.safe_load((Path(pipeline.__file__).parent / "findings.yaml").read_text("utf-8"))
    assert set(catalogue) == SHARED_CODES
