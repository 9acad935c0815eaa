"""The site's configuration: projects, issue types, workflow, fields and screens, users and what they may do."""

from dataclasses import dataclass

from bot.sandbox.jira.entities import (
    Account,
    Field,
    FieldKind,
    LinkType,
    Named,
    Project,
    Status,
    StatusCategory,
    Transition,
)

BOT = Account(
    "onboarding-bot", "Onboarding Bot", "onboarding-bot@sandbox.example", "JIRAUSER10100", "6a3f0c51d2b7e90071c4aa01"
)
DATABASE_MEMBER = Account(
    "db-team-member", "Dana Base", "db-team-member@sandbox.example", "JIRAUSER10101", "6a3f0c51d2b7e90071c4aa02"
)
MANAGER = Account("manager", "Morgan Manager", "manager@sandbox.example", "JIRAUSER10102", "6a3f0c51d2b7e90071c4aa03")

NEW = StatusCategory(2, "new", "To Do", "blue-gray")
UNDER_WAY = StatusCategory(4, "indeterminate", "In Progress", "yellow")
DONE = StatusCategory(3, "done", "Done", "green")

TASK = Named("10001", "Task", "Work that needs to be done.")
SUBTASK = Named("10003", "Sub-task", "A piece of another issue.", is_subtask=True)
SERVICE_REQUEST = Named("10002", "Service Request", "Something that another team asks for.")

START = Transition("11", "Start Progress", ("To Do",), "In Progress")
FINISH = Transition("21", "Done", ("In Progress",), "Done", asks_resolution=True)
REJECT = Transition("31", "Reject", ("To Do", "In Progress"), "Rejected", asks_resolution=True)
REOPEN = Transition("41", "Reopen", ("Done", "Rejected"), "To Do", clears_resolution=True)

# Only permissions that the sandbox enforces or that a set-up check would ask for.
PERMISSIONS = {
    "BROWSE_PROJECTS": "Browse Projects",
    "CREATE_ISSUES": "Create Issues",
    "EDIT_ISSUES": "Edit Issues",
    "DELETE_ISSUES": "Delete Issues",
    "ASSIGN_ISSUES": "Assign Issues",
    "ASSIGNABLE_USER": "Assignable User",
    "TRANSITION_ISSUES": "Transition Issues",
    "RESOLVE_ISSUES": "Resolve Issues",
    "SCHEDULE_ISSUES": "Schedule Issues",
    "LINK_ISSUES": "Link Issues",
    "ADD_COMMENTS": "Add Comments",
    "EDIT_OWN_COMMENTS": "Edit Own Comments",
    "EDIT_ALL_COMMENTS": "Edit All Comments",
    "DELETE_OWN_COMMENTS": "Delete Own Comments",
    "DELETE_ALL_COMMENTS": "Delete All Comments",
    "CREATE_ATTACHMENTS": "Create Attachments",
    "DELETE_OWN_ATTACHMENTS": "Delete Own Attachments",
    "DELETE_ALL_ATTACHMENTS": "Delete All Attachments",
    "MANAGE_WATCHERS": "Manage Watchers",
    "ADMINISTER_PROJECTS": "Administer Projects",
}
MEMBER = frozenset(
    name for name in PERMISSIONS if "_ALL_" not in name and name not in {"DELETE_ISSUES", "ADMINISTER_PROJECTS"}
)
ADMINISTRATOR = frozenset(PERMISSIONS)

SYSTEM_FIELDS = (
    Field("summary", "Summary", "summary", ("summary",)),
    Field("description", "Description", "textarea", ("description",)),
    Field("labels", "Labels", "labels", ("labels",), schema_type="array", schema_items="string"),
    Field("priority", "Priority", "priority", ("priority",), schema_type="priority"),
    Field("assignee", "Assignee", "user", ("assignee",), schema_type="user"),
    Field("duedate", "Due Date", "date", ("due", "duedate"), schema_type="date"),
    Field("components", "Component/s", "components", ("component",), schema_type="array", schema_items="component"),
    Field("reporter", "Reporter", "user", ("reporter",), schema_type="user"),
    Field("creator", "Creator", "fixed", ("creator",), schema_type="user"),
    Field("project", "Project", "fixed", ("project",), schema_type="project"),
    Field("issuetype", "Issue Type", "fixed", ("issuetype", "type"), schema_type="issuetype"),
    Field("status", "Status", "fixed", ("status",), schema_type="status"),
    Field("resolution", "Resolution", "fixed", ("resolution",), schema_type="resolution"),
    Field("resolutiondate", "Resolved", "fixed", ("resolutiondate", "resolved"), schema_type="datetime"),
    Field("created", "Created", "fixed", ("created", "createdDate"), schema_type="datetime"),
    Field("updated", "Updated", "fixed", ("updated", "updatedDate"), schema_type="datetime"),
    Field("attachment", "Attachment", "fixed", ("attachments",), schema_type="array", schema_items="attachment"),
    Field("comment", "Comment", "fixed", ("comment",), schema_type="comments-page"),
    Field("issuelinks", "Linked Issues", "fixed", ("issueLink",), schema_type="array", schema_items="issuelinks"),
    Field("parent", "Parent", "fixed", ("parent",), schema_type="issuelink"),
    Field("subtasks", "Sub-tasks", "fixed", (), schema_type="array", schema_items="issuelinks"),
    Field("watches", "Watchers", "fixed", ("watchers",), schema_type="watches"),
)


def _custom(
    number: int, name: str, kind: FieldKind, type_name: str, schema: str, items: str | None = None, *options: str
) -> Field:
    return Field(
        f"customfield_{number}",
        name,
        kind,
        (f"cf[{number}]", name),
        tuple(Named(str(number * 10 + position), option) for position, option in enumerate(options)),
        schema,
        items,
        f"com.atlassian.jira.plugin.system.customfieldtypes:{type_name}",
    )


# What the Data Base team's screen shows, after the form of the OFC flow; the last one is on no screen.
TICKET_FIELDS = (
    _custom(10101, "Client root", "text", "textfield", "string"),
    _custom(10102, "Partner code", "text", "textfield", "string"),
    _custom(10103, "OFC protocol", "option", "select", "option", None, "SFTP", "FTPS", "FTP", "EMAIL"),
    _custom(10104, "OFC host", "text", "textfield", "string"),
    _custom(10105, "OFC directory", "text", "textfield", "string"),
    _custom(10106, "Client tax ids", "labels", "labels", "array", "string"),
    _custom(10107, "Environment", "option", "select", "option", None, "TEST", "PROD"),
    _custom(10108, "Target go-live", "date", "datepicker", "date"),
    _custom(10109, "Lines", "number", "float", "number"),
    _custom(10110, "OFC remarks", "textarea", "textarea", "string"),
)
HIDDEN_FIELD = _custom(10199, "Cost centre", "text", "textfield", "string")

COMMON_SCREEN = (
    "summary", "issuetype", "description", "labels", "priority", "assignee", "duedate", "components"
)  # fmt: skip
# Fields that a screen shows to those alone who have the permission.
NEEDS_PERMISSION = {"duedate": "SCHEDULE_ISSUES", "assignee": "ASSIGN_ISSUES"}


@dataclass(frozen=True)
class Site:
    """What an administrator of the site has set up. ``is_cloud`` decides how people are named and text is kept."""

    accounts: tuple[Account, ...]
    projects: tuple[Project, ...]
    fields: tuple[Field, ...]
    statuses: tuple[Status, ...]
    resolutions: tuple[Named, ...]
    priorities: tuple[Named, ...]
    link_types: tuple[LinkType, ...]
    default_priority: str = "Medium"
    is_cloud: bool = False

    def account(self, name: str) -> Account | None:
        """Find a user by name, without case."""
        return next((each for each in self.accounts if each.name == name.casefold()), None)

    def person(self, named: str) -> Account | None:
        """Find a user as requests name them: by account id on Cloud, by user name on Data Center."""
        if self.is_cloud:
            return next((each for each in self.accounts if each.account_id == named), None)
        return self.account(named)

    def project(self, key_or_id: str) -> Project | None:
        """Find a project by key or id."""
        return next((each for each in self.projects if key_or_id in {each.key, each.id}), None)

    def field(self, field_id: str) -> Field | None:
        """Find a field by id."""
        return next((each for each in self.fields if each.id == field_id), None)

    def status(self, name: str) -> Status:
        """Find a status by name. Raises StopIteration for a workflow that names none of the site's."""
        return next(each for each in self.statuses if each.name == name)

    @property
    def issue_types(self) -> tuple[Named, ...]:
        """Every issue type of any project."""
        return tuple(dict.fromkeys(each for project in self.projects for each in project.issue_types))


def default_site(*, is_cloud: bool = False) -> Site:
    """Return the sandbox's site: ``ACT`` for activations, ``DB`` for the Data Base team's tickets."""
    ticket_screen = (*COMMON_SCREEN, *(each.id for each in TICKET_FIELDS))
    activations = Project(
        id="10000",
        key="ACT",
        name="Activations",
        lead=MANAGER.name,
        issue_types=(TASK, SUBTASK),
        workflow=(START, FINISH, REOPEN),
        create_screen=COMMON_SCREEN,
        edit_screen=COMMON_SCREEN,
        components=(Named("10200", "Operators"), Named("10201", "Partners")),
    )
    tickets = Project(
        id="10001",
        key="DB",
        name="Data Base",
        lead=DATABASE_MEMBER.name,
        issue_types=(TASK, SERVICE_REQUEST),
        workflow=(START, FINISH, REJECT, REOPEN),
        create_screen=ticket_screen,
        edit_screen=ticket_screen,
        components=(Named("10210", "OFC"), Named("10211", "Imports")),
    )
    return Site(
        accounts=(BOT, DATABASE_MEMBER, MANAGER),
        projects=(activations, tickets),
        fields=(*SYSTEM_FIELDS, *TICKET_FIELDS, HIDDEN_FIELD),
        statuses=(
            Status("10000", "To Do", NEW),
            Status("3", "In Progress", UNDER_WAY),
            Status("10001", "Done", DONE),
            Status("10002", "Rejected", DONE),
        ),
        resolutions=(
            Named("10000", "Done", "Work has been completed."),
            Named("10001", "Won't Do", "This will not be worked on."),
            Named("10002", "Duplicate", "The problem is a duplicate of an existing issue."),
            Named("10003", "Rejected", "The request was refused."),
        ),
        priorities=tuple(
            Named(str(number), name)
            for number, name in enumerate(("Highest", "High", "Medium", "Low", "Lowest"), start=1)
        ),
        link_types=(
            LinkType("10000", "Blocks", "is blocked by", "blocks"),
            LinkType("10003", "Relates", "relates to", "relates to"),
        ),
        is_cloud=is_cloud,
    )
