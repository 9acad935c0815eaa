"""The Web API methods of the sandbox, by name."""

from collections.abc import Callable

from bot.sandbox.slack.arguments import Arguments
from bot.sandbox.slack.entities import JsonObject
from bot.sandbox.slack.methods import chat, conversations, directory, files, modals
from bot.sandbox.slack.workspace import Workspace

Method = Callable[[Workspace, Arguments], JsonObject]

METHODS: dict[str, Method] = {
    "api.test": directory.api_test,
    "auth.test": directory.auth_test,
    "chat.delete": chat.delete,
    "chat.getPermalink": chat.get_permalink,
    "chat.postEphemeral": chat.post_ephemeral,
    "chat.postMessage": chat.post_message,
    "chat.update": chat.update,
    "conversations.history": conversations.history,
    "conversations.info": conversations.info,
    "conversations.members": conversations.members,
    "conversations.open": conversations.open_direct,
    "conversations.replies": conversations.replies,
    "files.completeUploadExternal": files.complete_upload,
    "files.getUploadURLExternal": files.get_upload_url,
    "files.info": files.info,
    "reactions.add": chat.add_reaction,
    "usergroups.list": directory.usergroup_list,
    "usergroups.users.list": directory.usergroup_users,
    "users.info": directory.user_info,
    "users.lookupByEmail": directory.user_by_email,
    "views.open": modals.open_view,
    "views.publish": modals.publish_view,
    "views.push": modals.push_view,
    "views.update": modals.update_view,
}

# Slack ignores a JSON body here: these take a query string or a form only.
FORM_ONLY = frozenset(
    {
        "chat.getPermalink",
        "conversations.history",
        "conversations.info",
        "conversations.members",
        "conversations.replies",
        "files.getUploadURLExternal",
        "usergroups.list",
        "files.info",
        "usergroups.users.list",
        "users.info",
        "users.lookupByEmail",
    }
)

# An app hears of an event only with the scope to see what it is about.
EVENT_SCOPES: dict[str, str] = {
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "file_shared": "files:read",
}

SCOPES: dict[str, str] = {
    "chat.delete": "chat:write",
    "chat.postEphemeral": "chat:write",
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "conversations.history": "channels:history",
    "conversations.info": "channels:read",
    "conversations.members": "channels:read",
    "conversations.open": "im:write",
    "conversations.replies": "channels:history",
    "files.completeUploadExternal": "files:write",
    "files.getUploadURLExternal": "files:write",
    "files.info": "files:read",
    "reactions.add": "reactions:write",
    "usergroups.list": "usergroups:read",
    "usergroups.users.list": "usergroups:read",
    "users.info": "users:read",
    "users.lookupByEmail": "users:read.email",
}
