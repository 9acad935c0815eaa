"""One sandbox server as a process of its own: ``python -m bot.sandbox.servers slack|jira|sftp|mail``.

Standard input: its settings as one line of JSON. Standard output: one line of JSON with its addresses, as soon as it
answers. It ends when its standard input is closed, so it never outlives the process that started it.
"""

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

Asked = Mapping[str, Any]


def main() -> None:
    """Serve until standard input is closed."""
    name = sys.argv[1]
    asked: Asked = json.loads(sys.stdin.readline())
    server, addresses = SERVERS[name](asked)
    with server:
        sys.stdout.write(json.dumps(addresses()) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


def slack(asked: Asked) -> tuple[AbstractContextManager[Any], Callable[[], Asked]]:
    """Return a Slack and its addresses."""
    from bot.sandbox.slack import SlackServer

    server = SlackServer(**asked)
    return server, lambda: {"url": server.url, "api_url": server.api_url}


def jira(asked: Asked) -> tuple[AbstractContextManager[Any], Callable[[], Asked]]:
    """Return a Jira with its address, and on Cloud the mail addresses that its tokens belong to."""
    from bot.sandbox.jira import JiraServer

    server = JiraServer(**asked)
    return server, lambda: {"url": server.url, "email": server.email, "database_email": server.database_email}


def sftp(asked: Asked) -> tuple[AbstractContextManager[Any], Callable[[], Asked]]:
    """Return a file server; it writes its host key into ``known_hosts``."""
    from bot.sandbox.sftp import SftpServer

    root = Path(asked["root"])
    root.mkdir(parents=True, exist_ok=True)
    partners = {code: (account["username"], account["password"]) for code, account in asked["partners"].items()}
    server = SftpServer(root, bot=(asked["username"], asked["password"]), partners=partners)

    def addresses() -> Asked:
        server.known_hosts(Path(asked["known_hosts"]))
        return {"host": server.host, "port": server.port}

    return server, addresses


def mail(asked: Asked) -> tuple[AbstractContextManager[Any], Callable[[], Asked]]:
    """Return a mailbox and its addresses."""
    from bot.sandbox.mailbox import Mailbox

    server = Mailbox(**asked)
    return server, lambda: {"host": server.host, "port": server.smtp_port, "url": server.url}


SERVERS = {"slack": slack, "jira": jira, "sftp": sftp, "mail": mail}

if __name__ == "__main__":
    main()
