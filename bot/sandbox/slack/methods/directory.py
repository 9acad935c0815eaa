"""auth.*, users.*, usergroups.*: who is who."""

from bot.sandbox.slack.arguments import Arguments
from bot.sandbox.slack.entities import BOT_ID, TEAM_ID, JsonObject
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.workspace import Workspace


def api_test(_workspace: Workspace, arguments: Arguments) -> JsonObject:
    """Echo the arguments; with ``error`` fail on purpose."""
    if arguments.get("error"):
        raise SlackError(arguments.string("error"), args=dict(arguments))
    return {"args": dict(arguments)}


def auth_test(workspace: Workspace, _arguments: Arguments) -> JsonObject:
    """Whose token this is."""
    return {
        "url": f"{workspace.url}/",
        "team": "Sandbox",
        "team_id": TEAM_ID,
        "user": workspace.bot.name,
        "user_id": workspace.bot.id,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


def user_info(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """One user by id."""
    user = workspace.users.get(arguments.required("user", "user_not_found"))
    if user is None:
        raise SlackError("user_not_found")
    return {"user": user.as_json(locale=arguments.flag("include_locale"))}


def user_by_email(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """One user by e-mail address, whatever its case."""
    email = arguments.required("email").lower()
    for user in workspace.users.values():
        if user.email.lower() == email and not user.deleted:
            return {"user": user.as_json()}
    raise SlackError("users_not_found")


def usergroup_list(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """All user groups; with ``include_users`` their members too."""
    groups: list[JsonObject] = []
    for id_, members in workspace.usergroups.items():
        handle = workspace.handle(id_)
        group: JsonObject = {"id": id_, "team_id": TEAM_ID, "is_usergroup": True, "name": handle, "handle": handle}
        if arguments.flag("include_users"):
            group["users"] = members
        groups.append({**group, "user_count": len(members), "date_delete": 0})
    return {"usergroups": groups}


def usergroup_users(workspace: Workspace, arguments: Arguments) -> JsonObject:
    """The members of a user group."""
    group = arguments.required("usergroup")
    if group not in workspace.usergroups:
        raise SlackError("no_such_subteam")
    return {"users": workspace.usergroups[group]}
