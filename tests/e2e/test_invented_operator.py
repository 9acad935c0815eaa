"""A pack folder of an operator that nobody has heard of runs without a line of code."""

from pathlib import Path

import requests
from e2e_house import EMAIL, house, wait_until

CHECKLIST = """
pack: nordtel_de
version: 1
operator: {name: NORDTEL, country: DE}
time_zone: Europe/Berlin
calendar: [DE]
title: {fr: Activation NORDTEL, en: NORDTEL activation, es: Activación NORDTEL}
options:
  - {id: flow, type: boolean, label: {fr: Flux, en: Flow, es: Flujo}}
steps:
  - id: contract
    kind: confirm
    title: {fr: Contrat, en: Contract, es: Contrato}
    guide: contract
    ticks:
      - {id: signed, label: {fr: Signé, en: Signed, es: Firmado}}
      - {id: filed, label: {fr: Classé, en: Filed, es: Archivado}}
  - id: directory
    kind: directory
    title: {fr: Dossier, en: Directory, es: Carpeta}
  - id: form
    kind: form
    when: {flow: true}
    title: {fr: Formulaire, en: Form, es: Formulario}
    with: {form: form.yaml, by: partner}
  - id: ticket
    kind: ticket
    when: {flow: true}
    needs: [form, directory]
    title: {fr: Ticket, en: Ticket, es: Tique}
    with:
      summary: "Flow {operator} {client} ({root})"
      labels: [nordtel]
      done: {resolutions: [Done]}
      refused: {resolutions: ["Won't Do"]}
  - id: sign_off
    kind: confirm
    needs: [contract, directory, ticket]
    title: {fr: Clôture, en: Sign-off, es: Cierre}
    ticks: [{id: closed, label: {fr: Clos, en: Closed, es: Cerrado}}]
"""
FORM = """
form: flow_form
title: {fr: Formulaire, en: Form, es: Formulario}
sections:
  - id: flow
    title: {fr: Flux, en: Flow, es: Flujo}
    fields:
      - id: mailbox
        type: email
        label: {fr: Boîte, en: Mailbox, es: Buzón}
        example: flow@nordtel.example
        required: true
      - {id: volume, type: integer, label: {fr: Volume, en: Volume, es: Volumen}, example: "7", min: 1}
"""
GUIDE = "## contract\n\nAsk **legal** for the contract.\n"


def test_an_invented_operator_runs_from_its_folder_alone(tmp_path: Path) -> None:
    pack = tmp_path / "packs" / "nordtel_de"
    pack.mkdir(parents=True)
    (pack / "checklist.yaml").write_text(CHECKLIST, "utf-8")
    (pack / "form.yaml").write_text(FORM, "utf-8")
    for language in ("fr", "en", "es"):
        (pack / f"guide.{language}.md").write_text(GUIDE, "utf-8")
    with house(tmp_path, PACKS_DIR=str(tmp_path / "packs")) as home:
        home.start_bot()
        key = str(
            home.manager.start_with_choice(
                "nordtel_de",
                {
                    "partner": "PARTNER-ONE",
                    "partner_email": EMAIL,
                    "client": "Nord GmbH",
                    "root": "NORD",
                    "tax_ids": "DE123456788",
                    "flow": "true",
                },
            )
        )
        home.manager.tick_all("contract")
        link = home.partner.wait_for_link("form")
        browser = requests.Session()
        page = browser.get(link, timeout=20)
        token = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
        wrong = browser.post(page.url, data={"csrf_token": token, "mailbox": "nobody", "volume": "0"}, timeout=20)
        assert wrong.status_code == 400
        assert wrong.text.count('aria-invalid="true"') == 2
        browser.post(page.url, data={"csrf_token": token, "mailbox": "flow@nordtel.example"}, timeout=20)
        ticket = home.team.wait_for_ticket()
        issue = home.team.issue(ticket)["fields"]
        assert issue["summary"] == "Flow NORDTEL Nord GmbH (NORD)"
        assert "flow@nordtel.example" in issue["description"]
        home.team.make_flow(ticket)
        home.manager.tick_all("sign_off")
        wait_until("the end", lambda: home.status(key)["state"] == "done")
