"""The web side of a process: the partners' pages and the webhooks, or its health and figures alone."""

from fastapi import FastAPI

from bot.links_key import secret_key
from bot.onboarding.installation import JIRA_ACCOUNT, Installation
from bot.onboarding.wakeups import Wakeups
from bot.readiness import Readiness
from bot.settings import Settings
from bot.slack.front import SlackFront
from bot.web.app import build_web
from bot.web.health import build_health
from bot.web.instance import add_instance
from bot.web.jira_webhook import jira_webhook
from bot.web.partner_page import Connection
from bot.web.server import WebServer
from bot.wiring.application import Application, Role
from bot.wiring.outside import username


def web_server(application: Application, role: Role, front: SlackFront | None) -> WebServer | None:
    """Return the web side of a process; a worker has health and figures alone, and those where a port is set."""
    settings = application.settings
    by_socket = front is not None and settings.slack.mode == "socket"
    readiness = Readiness(
        application.store,
        application.peers,
        application.heartbeat,
        application.stuck,
        runs_jobs=role != "web",
        groups=application.groups.unanswered,
        slack_socket=(lambda: front.is_connected) if front is not None and by_socket else None,
    )
    if role != "worker":
        return WebServer(_web(application, front, readiness), settings.web.host, settings.web.port)
    if settings.web.worker_port is None:
        return None
    health = build_health(readiness, application.census, application.meters.registry)
    return WebServer(health, settings.web.host, settings.web.worker_port)


def _web(application: Application, front: SlackFront | None, readiness: Readiness) -> FastAPI:
    settings = application.settings
    by_http = front is not None and settings.slack.mode == "http"
    app = build_web(
        application.onboardings,
        application.links,
        readiness=readiness,
        census=application.census,
        counted=application.meters.registry,
        clock=application.clock,
        language=settings.language,
        transfer_root=settings.transfer.root if settings.transfer else "",
        transfer_protocol=settings.transfer.protocol if settings.transfer else "sftp",
        connection=_connection(settings),
        slack_handler=front.request_handler() if front is not None and by_http else None,
        jira_handler=jira_webhook(
            settings.jira.webhook_secret if settings.jira else None,
            Wakeups(application.store, application.clock).wake,
            lambda: Installation(application.store).get(JIRA_ACCOUNT),
        ),
    )
    add_instance(app, secret_key(settings, application.store))
    return app


def _connection(settings: Settings) -> Connection | None:
    server = settings.transfer
    if server is None:
        return None
    return Connection(server.protocol, server.host, server.port, lambda partner: username(settings, partner))
