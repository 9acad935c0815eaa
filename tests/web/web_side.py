"""What the web side's tests share: a small pack, step kinds that only wait, a clock that a test moves, the core."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict, SecretStr
from sqlmodel import Session

from bot.locales import say
from bot.onboarding.actors import Actor
from bot.onboarding.flow import Flow
from bot.onboarding.outcomes import Done, Evidence, FileEvidence, Outcome, Waiting
from bot.onboarding.ports import Job
from bot.onboarding.service import Onboardings
from bot.onboarding.store import Store
from bot.onboarding.work import Work
from bot.web.links import SignedLinks
from checklists.model import OptionValue
from checklists.model import Step as StepDefinition

SECRET = SecretStr("a secret of at least thirty-two characters, for tests")
ANA = Actor("shell", "shell:ana", "ana")
MARKUP = "<script>alert('x')</script>"

CHECKLIST = """
pack: operadora_x
version: 1
operator: {name: OPERADORA X, country: ES}
title: {fr: Activation X, en: Activation X, es: Activación X}
steps:
  - id: portal
    kind: confirm
    title: {fr: Portail, en: Portal, es: Portal}
    ticks: [{id: in, label: {fr: Connecté, en: Logged in, es: Conectado}}]
  - id: directory
    kind: directory
    title: {fr: Répertoire, en: Directory, es: Directorio}
  - id: form
    kind: form
    title: {fr: Formulaire du flux, en: Flow form, es: Formulario del flujo}
  - id: delivery
    kind: delivery
    role: manager
    title: {fr: Livraison, en: Delivery, es: Entrega}
  - id: received
    kind: ask
    needs: [delivery]
    title: {fr: OFC reçu, en: OFC received, es: OFC recibido}
    with:
      of: partner
      question: {fr: Avez-vous reçu l'OFC ?, en: Have you received the OFC?, es: ¿Ha recibido el OFC?}
  - id: sign_off
    kind: confirm
    needs: [portal, form, received]
    title: {fr: Clôture, en: Sign-off, es: Cierre}
    ticks: [{id: closed, label: {fr: Clos, en: Closed, es: Cerrado}}]
"""

FORM = """
form: flow
title: {fr: Demande de flux, en: Flow request, es: Solicitud de flujo}
sections:
  - id: identity
    title: {fr: Identité, en: Identity, es: Identidad}
    fields:
      - {id: client_name, type: text, fill: client, label: {fr: Client, en: Client, es: Cliente}}
      - {id: client_tax_ids, type: tax_ids, fill: tax_ids, label: {fr: CIF, en: Tax numbers, es: CIF}}
      - {id: in_directory, type: path, fill: in_directory, label: {fr: Répertoire, en: Directory, es: Directorio}}
      - {id: contact, type: email, example: ana@acme.es, required: true,
         help: {fr: Qui répond, en: Who answers, es: Quien responde},
         label: {fr: Courriel, en: E-mail, es: Correo}}
      - {id: remarks, type: long_text, label: {fr: Remarques, en: Remarks, es: Observaciones}}
  - id: access
    title: {fr: Accès, en: Access, es: Acceso}
    fields:
      - {id: auth, type: choice, choices: [PASSWORD, PUBLIC_KEY], required: true, default: PASSWORD,
         label: {fr: Authentification, en: Authentication, es: Autenticación}}
      - {id: key, type: public_key, required_when: {auth: PUBLIC_KEY},
         label: {fr: Clé publique, en: Public key, es: Clave pública}}
      - {id: days, type: choices, choices: [MON, TUE, WED], label: {fr: Jours, en: Days, es: Días}}
      - {id: retention, type: integer, min: 1, max: 365, required_when: {details: true},
         label: {fr: Conservation, en: Retention, es: Conservación}}
      - {id: details, type: boolean, required: true, label: {fr: Détail, en: Details, es: Detalle}}
      - {id: golive, type: date, label: {fr: Mise en service, en: Go-live, es: Puesta en marcha}}
"""

GOOD = {
    "contact": "ana@acme.es",
    "remarks": "",
    "auth": "PASSWORD",
    "days": ["MON", "WED"],
    "details": "false",
}

OFC = FileEvidence(
    name="202610_ACME_OPERADORA-X_OFC.csv", kind="ofc", path="out/x.csv", size=1536, sha256="ab" * 32, rows=12
)


class NoParameters(BaseModel):
    model_config = ConfigDict(extra="forbid")


@dataclass
class Begins:
    """A step kind that waits from the start, or has work that a test ends itself."""

    parameters: type[BaseModel]
    waits: bool = True

    def begin(self, definition: StepDefinition, options: Mapping[str, OptionValue]) -> Waiting | None:
        return Waiting(on=definition.role, note=say("state.waiting")) if self.waits else None

    def run(self, work: Work) -> Outcome:
        raise AssertionError("no job runs here")


@dataclass
class RecordedJobs:
    ids: list[str] = field(default_factory=list)

    def enqueue(self, session: Session, job_id: str, job: Job) -> None:
        self.ids.append(job_id)


@dataclass
class MovableClock:
    moment: datetime = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def pass_by(self, **much: float) -> None:
        self.moment += timedelta(**much)


@dataclass
class Core:
    """The core and one started onboarding."""

    store: Store
    flow: Flow
    onboardings: Onboardings
    clock: MovableClock
    jobs: RecordedJobs
    key: str = ""

    def revision(self) -> int:
        return self.onboardings.view(self.key).revision

    def edition(self, step_id: str) -> int:
        view = self.onboardings.view(self.key)
        return view.link_edition(view.step(step_id).run)

    def answers(self) -> Mapping[str, object]:
        with self.flow.change(1) as change:
            found: Mapping[str, object] = change.step("form").memory["answers"]
            return found

    def settle(self, step_id: str, outcome: Outcome) -> None:
        with self.flow.change(1) as change:
            self.flow.settle(change, change.step(step_id), outcome)

    def deliver(self, ofc: FileEvidence = OFC) -> None:
        self.settle("delivery", Done(Evidence(files=(ofc,))))


@dataclass
class Web:
    """The web side on its socket."""

    url: str
    links: SignedLinks

    def form(self, core: Core, step: str = "form") -> str:
        return self.here(self.links.form(core.key, step, edition=core.edition(step)))

    def question(self, core: Core, step: str = "received") -> str:
        return self.here(self.links.confirmation(core.key, step, edition=core.edition(step)))

    def partner_page(self, core: Core) -> str:
        edition = core.onboardings.view(core.key).page_edition
        return self.here(self.links.partner_page(core.key, edition=edition))

    def here(self, address: str) -> str:
        """Return a public address as this test reaches it."""
        return self.url + address.removeprefix("https://onboarding.example.com")
