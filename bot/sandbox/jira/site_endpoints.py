"""Endpoints about the site itself: server, user, permissions, projects, metadata, fields, lists of values."""

from datetime import UTC, datetime

from starlette.responses import Response

from bot.sandbox.jira.calls import Call, Endpoint, answer, page
from bot.sandbox.jira.entities import Account, JsonObject, Named, Project
from bot.sandbox.jira.refusals import Refusal
from bot.sandbox.jira.shapes import Shapes, timestamp
from bot.sandbox.jira.site import PERMISSIONS, Site
from bot.sandbox.jira.store import JiraStore

REST = "/rest/api/2"
VERSION = (9, 12, 15)
CLOUD_VERSION = (1001, 0, 0)
BUILT = datetime(2024, 11, 25, tzinfo=UTC)
DEFAULT_PAGE = 50
LARGEST_META_PAGE = 200


class SiteEndpoints:
    """Answers what does not concern a single issue."""

    def __init__(self, store: JiraStore, shapes: Shapes, url: str, upload_limit: int) -> None:
        self._store = store
        self._shapes = shapes
        self._url = url
        self._upload_limit = upload_limit

    @property
    def _site(self) -> Site:
        return self._store.site

    def endpoints(self) -> list[Endpoint]:
        """The table of endpoints."""
        return [
            Endpoint("GET", f"{REST}/serverInfo", self.server_info, is_open=True),
            Endpoint("GET", f"{REST}/myself", self.myself),
            Endpoint("GET", f"{REST}/mypermissions", self.my_permissions),
            Endpoint("GET", f"{REST}/project", self.projects),
            Endpoint("GET", f"{REST}/project/{{key}}", self.project),
            Endpoint("GET", f"{REST}/project/{{key}}/statuses", self.project_statuses),
            Endpoint("GET", f"{REST}/project/{{key}}/components", self.project_components),
            Endpoint("GET", f"{REST}/issue/createmeta/{{key}}/issuetypes", self.create_meta_types),
            Endpoint("GET", f"{REST}/issue/createmeta/{{key}}/issuetypes/{{id}}", self.create_meta_fields),
            Endpoint("GET", f"{REST}/field", self.fields),
            *self._list_endpoints("issuetype", self._site.issue_types),
            *self._list_endpoints("resolution", self._site.resolutions),
            *self._list_endpoints("priority", self._site.priorities),
            Endpoint("GET", f"{REST}/status", self.statuses),
            Endpoint("GET", f"{REST}/status/{{id}}", self.status),
            Endpoint("GET", f"{REST}/issueLinkType", self.link_types),
            Endpoint("GET", f"{REST}/issueLinkType/{{id}}", self.link_type),
            Endpoint("GET", f"{REST}/attachment/meta", self.attachment_meta),
            Endpoint("GET", f"{REST}/user", self.user),
            Endpoint("GET", f"{REST}/user/search", self.search_users),
            Endpoint("GET", f"{REST}/user/assignable/search", self.search_assignable),
            Endpoint("GET", "/rest/applinks/latest/listApplicationlinks", self.application_links),
        ]

    def server_info(self, call: Call) -> Response:
        """Which Jira this is."""
        del call
        info = {
            "baseUrl": self._url,
            "version": ".".join(str(part) for part in VERSION),
            "versionNumbers": list(VERSION),
            "deploymentType": "Server",
            "buildNumber": 9120015,
            "buildDate": timestamp(BUILT),
            "databaseBuildNumber": 9120015,
            "serverTime": timestamp(datetime.now(UTC)),
            "scmInfo": "sandbox",
            "serverTitle": "Jira",
        }
        if self._site.is_cloud:
            del info["databaseBuildNumber"]
            info |= {
                "version": f"{'.'.join(str(part) for part in CLOUD_VERSION)}-SNAPSHOT",
                "versionNumbers": list(CLOUD_VERSION),
                "deploymentType": "Cloud",
                "buildNumber": 100288,
                "serverTimeZone": "Etc/UTC",
            }
        return answer(info)

    def myself(self, call: Call) -> Response:
        """Whose token this is."""
        return answer(self._shapes.account(call.user.name) | {"locale": "en_US"})

    def my_permissions(self, call: Call) -> Response:
        """What the user may do, in a project, on an issue, or in any project; Cloud wants the permissions named."""
        asked = call.listed("permissions")
        if self._site.is_cloud and (not asked or not PERMISSIONS.keys() >= set(asked)):
            raise Refusal(400, "The 'permissions' query parameter must name permissions that Jira has.")
        projects = list(self._site.projects)
        project_key = call.argument("projectKey") or call.argument("projectId")
        issue_key = call.argument("issueKey") or call.argument("issueId")
        if issue_key:
            projects = [self._store.issue(issue_key, call.user).project]
        elif project_key:
            projects = [self._project(call, project_key)]
        held = {
            name: {
                "id": str(number),
                "key": name,
                "name": title,
                "type": "PROJECT",
                "description": "",
                "havePermission": any(self._store.may(call.user, project, name) for project in projects),
            }
            for number, (name, title) in enumerate(PERMISSIONS.items(), start=10)
            if not self._site.is_cloud or name in asked
        }
        return answer({"permissions": held})

    def projects(self, call: Call) -> Response:
        """The projects that the user may browse."""
        return answer([self._shapes.project(each) for each in self._site.projects if self._may_browse(call, each)])

    def project(self, call: Call) -> Response:
        """One project."""
        return answer(self._shapes.project(self._project(call, call.path["key"]), whole=True))

    def project_statuses(self, call: Call) -> Response:
        """The statuses of each issue type of a project."""
        project = self._project(call, call.path["key"])
        used = {name for step in project.workflow for name in (*step.origins, step.target)}
        statuses = [self._shapes.status(each) for each in self._site.statuses if each.name in used]
        kinds = [self._shapes.named("issuetype", each) for each in project.issue_types]
        return answer([kind | {"statuses": statuses} for kind in kinds])

    def project_components(self, call: Call) -> Response:
        """The components of a project."""
        project = self._project(call, call.path["key"])
        return answer([self._shapes.component(each) for each in project.components])

    def create_meta_types(self, call: Call) -> Response:
        """The issue types that the user may create in a project."""
        project = self._creatable(call)
        kinds = [self._shapes.named("issuetype", each) for each in project.issue_types]
        return self._meta_page(call, kinds, "issueTypes")

    def create_meta_fields(self, call: Call) -> Response:
        """The fields of the create screen."""
        project = self._creatable(call)
        if call.path["id"] not in {each.id for each in project.issue_types}:
            raise Refusal(404, f"The issue type {call.path['id']} is not of the project {project.key}.")
        screen = {"project", *self._store.screen(call.user, project, project.create_screen)}
        fields = [self._shapes.field_meta(each, project) for each in self._site.fields if each.id in screen]
        return self._meta_page(call, fields, "fields")

    def fields(self, call: Call) -> Response:
        """All fields, custom ones too."""
        del call
        return answer([self._shapes.field(each) for each in self._site.fields])

    def statuses(self, call: Call) -> Response:
        """All statuses."""
        del call
        return answer([self._shapes.status(each) for each in self._site.statuses])

    def status(self, call: Call) -> Response:
        """One status, by id or name."""
        for each in self._site.statuses:
            if call.path["id"] in {each.id, each.name}:
                return answer(self._shapes.status(each))
        raise Refusal(404, f"The status with id '{call.path['id']}' does not exist")

    def link_types(self, call: Call) -> Response:
        """All types of link."""
        del call
        return answer({"issueLinkTypes": [self._shapes.link_type(each) for each in self._site.link_types]})

    def link_type(self, call: Call) -> Response:
        """One type of link."""
        for each in self._site.link_types:
            if each.id == call.path["id"]:
                return answer(self._shapes.link_type(each))
        raise Refusal(404, f"No issue link type with id '{call.path['id']}' found.")

    def attachment_meta(self, call: Call) -> Response:
        """Whether files may be attached, and how large in bytes."""
        del call
        return answer({"enabled": True, "uploadLimit": self._upload_limit})

    def user(self, call: Call) -> Response:
        """One user, by name or key, on Cloud by account id."""
        if self._site.is_cloud:
            account_id = self._account_argument(call, "accountId")
            found = self._site.person(account_id)
            if found is None:
                raise Refusal(
                    404, f"Specified user does not exist or you do not have required permissions: {account_id}"
                )
            return answer(self._shapes.account(found.name))
        name, key = call.argument("username"), call.argument("key")
        if name is None and key is None:
            raise Refusal(404, "Either the 'username' or the 'key' query parameters need to be provided")
        for account in self._site.accounts:
            if account.key == key or (name is not None and account.name == name.casefold()):
                return answer(self._shapes.account(account.name))
        raise Refusal(404, f"The user named '{name or key}' does not exist")

    def search_users(self, call: Call) -> Response:
        """Users whose name, display name or address begins with ``username``; ``.`` finds everybody.

        On Cloud the argument is ``query``, and there is no name to find.
        """
        if self._site.is_cloud:
            self._account_argument(call, "query", "accountId")
        elif call.argument("username") is None:
            raise Refusal(400, "The username query parameter was not provided")
        return answer(self._found(call, list(self._site.accounts)))

    def search_assignable(self, call: Call) -> Response:
        """Users to whom an issue, or the issues of a project, may be assigned."""
        issue_key, project_key = call.argument("issueKey"), call.argument("project")
        if not issue_key and not project_key:
            raise Refusal(400, "Either the project or the issueKey query parameter needs to be provided")
        project = (
            self._store.issue(issue_key, call.user).project if issue_key else self._project(call, project_key or "")
        )
        able = [each for each in self._site.accounts if self._store.may(each, project, "ASSIGNABLE_USER")]
        return answer(self._found(call, able))

    def application_links(self, call: Call) -> Response:
        """Application links are the administrators' alone, and nobody here is one."""
        del call
        raise Refusal(403, "Client must be authenticated as an administrator to access this resource.")

    def _found(self, call: Call, accounts: list[Account]) -> list[JsonObject]:
        if self._site.is_cloud:
            accounts = [each for each in accounts if call.argument("accountId") in {None, each.account_id}]
        wanted = (call.argument("query" if self._site.is_cloud else "username") or "").casefold()
        start, most = call.number("startAt", 0), call.number("maxResults", DEFAULT_PAGE)
        found = [
            self._shapes.account(each.name)
            for each in accounts
            if (wanted == "." and not self._site.is_cloud) or any(word.startswith(wanted) for word in self._words(each))
        ]
        return found[start : start + most]

    def _words(self, account: Account) -> tuple[str, ...]:
        words = (account.email, *account.display_name.casefold().split())
        return words if self._site.is_cloud else (account.name, *words)

    def _account_argument(self, call: Call, *names: str) -> str:
        """Return an argument that says which user is meant (Cloud). Raises Refusal 400, also for a user name."""
        if call.argument("username") is not None or call.argument("key") is not None:
            raise Refusal(400, "'accountId' must be the only user identifying query parameter in GDPR strict mode.")
        for name in names:
            given = call.argument(name)
            if given is not None:
                return given
        raise Refusal(400, f"The query parameter {' or '.join(names)} is required.")

    def _meta_page(self, call: Call, values: list[JsonObject], key: str) -> Response:
        """Answer a page of metadata, which Cloud puts under a name of its own and does not mark as the last."""
        start, most = call.number("startAt", 0), call.number("maxResults", DEFAULT_PAGE)
        if not self._site.is_cloud:
            return answer(page(values, start, most))
        shown = page(values, start, min(most, LARGEST_META_PAGE), key)
        del shown["isLast"]
        return answer(shown)

    def _list_endpoints(self, resource: str, values: tuple[Named, ...]) -> list[Endpoint]:
        def whole(call: Call) -> Response:
            del call
            return answer([self._shapes.named(resource, each) for each in values])

        def single(call: Call) -> Response:
            for each in values:
                if each.id == call.path["id"]:
                    return answer(self._shapes.named(resource, each))
            raise Refusal(404, f"The {resource} with id '{call.path['id']}' does not exist")

        return [Endpoint("GET", f"{REST}/{resource}", whole), Endpoint("GET", f"{REST}/{resource}/{{id}}", single)]

    def _may_browse(self, call: Call, project: Project) -> bool:
        return self._store.may(call.user, project, "BROWSE_PROJECTS")

    def _project(self, call: Call, key: str) -> Project:
        project = self._site.project(key)
        if project is None or not self._may_browse(call, project):
            raise Refusal(404, f"No project could be found with key '{key}'.")
        return project

    def _creatable(self, call: Call) -> Project:
        project = self._project(call, call.path["key"])
        words = "You do not have permission to create issues in this project."
        self._store.require(call.user, project, "CREATE_ISSUES", words)
        return project
