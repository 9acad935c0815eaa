"""The sandbox's mail server: takes mail strictly, delivers none of it, and shows it over HTTP."""

import asyncio
import re
import socket
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, cast

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session
from jinja2 import Environment
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.event_loop import LoopThread
from bot.sandbox.faults import Fault, Faults
from bot.sandbox.received_mail import NotAMail, ReceivedMail, parse_mail, received

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Mailbox</title>
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 45rem; margin: 2rem auto; padding: 0 1rem; }
  article { border: 1px solid #888; border-radius: .5rem; padding: 0 1rem; margin: 1rem 0; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; }
</style>
<h1>Mailbox</h1>
{% for mail in mails %}
<article>
  <h2>{{ mail.subject or "(no subject)" }}</h2>
  <p>From {{ mail.sender }} to {{ mail.to | join(", ") }}, {{ mail.received_at.strftime("%Y-%m-%d %H:%M:%S") }} UTC</p>
  <pre>{{ mail.text }}</pre>
  {% if mail.links %}<ul>
  {% for link in mail.links %}<li><a href="{{ link }}">{{ link }}</a></li>{% endfor %}
  </ul>{% endif %}
</article>
{% else %}
<p>No mail yet.</p>
{% endfor %}
</html>
"""


# One @, something on both sides, ASCII only: what is left of RFC 5321's grammar is aiosmtpd's.
WITH_DOMAIN = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)*")


class Mailbox:
    """An SMTP server and its web page on one address, in a thread of their own.

    Port 0 takes a free one, which a second ``start`` takes again. ``faults`` names these operations: connect, MAIL,
    RCPT, DATA; ``drop_after`` DATA is a mail that was accepted and whose sender never hears of it. ``rate_limited``
    answers 450, ``server_error`` 451, or its ``status`` where SMTP has one of that number (550 refuses an address).
    """

    def __init__(self, host: str = "127.0.0.1", smtp_port: int = 0, http_port: int = 0) -> None:
        self.faults = Faults()
        self._host = host
        self._smtp_port = smtp_port
        self._http_port = http_port
        self._messages: list[ReceivedMail] = []
        self._connections: set[asyncio.Transport] = set()
        self._running: tuple[LoopThread, asyncio.Server, uvicorn.Server, asyncio.Task[None]] | None = None

    @property
    def host(self) -> str:
        """The address of both servers."""
        return self._host

    @property
    def smtp_port(self) -> int:
        """Where mail is taken, known once it was started."""
        return self._smtp_port

    @property
    def url(self) -> str:
        """The web page: ``/`` for people, ``/messages`` as a JSON list. Known once it was started."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._http_port}"

    @property
    def messages(self) -> tuple[ReceivedMail, ...]:
        """The mails accepted so far, oldest first."""
        return tuple(self._messages)

    def start(self) -> Self:
        """Listen on both ports, and return when they answer."""
        if self._running is not None:
            raise RuntimeError("the mailbox runs already")
        thread = LoopThread("sandbox-mailbox")
        try:
            self._running = thread, *thread.run(self._listen())
        except BaseException:
            thread.stop()
            raise
        return self

    def stop(self) -> None:
        """Close both ports and every connection; the mails stay. Nothing happens when it does not run."""
        if self._running is None:
            return
        thread, smtp, web, serving = self._running
        self._running = None
        thread.run(self._close(smtp, web, serving))
        thread.stop()

    def __enter__(self) -> Self:
        """Start it if it does not run yet."""
        return self if self._running is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    async def _listen(self) -> tuple[asyncio.Server, uvicorn.Server, asyncio.Task[None]]:
        loop = asyncio.get_running_loop()
        mail_socket = socket.create_server((self._host, self._smtp_port))
        try:
            web_socket = socket.create_server((self._host, self._http_port))
        except OSError:
            mail_socket.close()
            raise
        handler = _Handler(self._messages, self.faults)
        smtp = await loop.create_server(
            lambda: _Protocol(handler, self.faults, self._connections, loop), sock=mail_socket
        )
        web = uvicorn.Server(
            uvicorn.Config(_pages(self._messages), lifespan="off", ws="none", log_config=None, access_log=False)
        )
        serving = loop.create_task(web.serve(sockets=[web_socket]))
        # The socket listens already: a request that comes before the server runs waits and is answered.
        self._smtp_port = mail_socket.getsockname()[1]
        self._http_port = web_socket.getsockname()[1]
        return smtp, web, serving

    async def _close(self, smtp: asyncio.Server, web: uvicorn.Server, serving: "asyncio.Task[None]") -> None:
        smtp.close()
        for transport in list(self._connections):
            transport.abort()
        # Without force the server waits for clients that keep an idle connection.
        web.should_exit = web.force_exit = True
        await serving
        await smtp.wait_closed()


class _Handler:
    """The hooks of aiosmtpd: each answers with SMTP's reply line."""

    def __init__(self, messages: list[ReceivedMail], faults: Faults) -> None:
        self._messages = messages
        self._faults = faults

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: "_Protocol", session: Session, envelope: Envelope, address: str, mail_options: list[str]
    ) -> str:
        """Take the sender, which needs a domain."""
        fault, refusal = await self._fault("MAIL", server)
        if refusal is not None:
            return refusal
        if not _has_domain(address):
            return "553 5.1.7 the sender needs a domain"
        envelope.mail_from = address
        envelope.mail_options.extend(mail_options)
        return _after(fault, server, "250 2.1.0 OK")

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: "_Protocol", session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        """Take a recipient, which needs a domain."""
        fault, refusal = await self._fault("RCPT", server)
        if refusal is not None:
            return refusal
        if not _has_domain(address):
            return "553 5.1.3 the recipient needs a domain"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return _after(fault, server, "250 2.1.5 OK")

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: "_Protocol", session: Session, envelope: Envelope
    ) -> str:
        """Take the mail if it is one."""
        fault, refusal = await self._fault("DATA", server)
        if refusal is not None:
            return refusal
        try:
            message = parse_mail(cast("bytes", envelope.content), eight_bit="BODY=8BITMIME" in envelope.mail_options)
        except NotAMail as refused:
            return str(refused)
        self._messages.append(received(len(self._messages) + 1, message, envelope.rcpt_tos, datetime.now(UTC)))
        return _after(fault, server, "250 2.0.0 accepted")

    async def _fault(self, operation: str, server: "_Protocol") -> tuple[Fault | None, str | None]:
        """Return the fault of an operation, and the answer that ends it at once if the fault is of that kind."""
        fault = self._faults.take(operation)
        if fault is None:
            return None, None
        if fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        if fault.kind == "drop_before":
            server.cut()
            return fault, "421 4.4.2 nobody hears this"
        return fault, _refusal(fault)


class _Protocol(SMTP):
    """One connection to the SMTP server."""

    def __init__(
        self,
        handler: _Handler,
        faults: Faults,
        connections: set[asyncio.Transport],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(handler, hostname="mailbox.sandbox", ident="sandbox mailbox", loop=loop)
        self._faults = faults
        self._connections = connections
        self._socket: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, unless a fault says otherwise."""
        self._socket = cast("asyncio.Transport", transport)
        self._connections.add(self._socket)
        fault = self._faults.take("connect")
        if fault is None:
            super().connection_made(transport)
            return
        refusal = _refusal(fault)
        if refusal is not None:
            self._socket.write(f"421 {refusal.partition(' ')[2]}\r\n".encode())
            self._socket.close()
        elif fault.kind == "delay":
            # Nothing may be read before aiosmtpd knows the connection.
            self._socket.pause_reading()
            self.loop.call_later(fault.seconds, self._greet_late, self._socket)
        else:
            self.cut()

    def _greet_late(self, transport: asyncio.Transport) -> None:
        if not transport.is_closing():
            super().connection_made(transport)
            transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the connection."""
        if self._socket is not None:
            self._connections.discard(self._socket)
        if self.session is not None:
            super().connection_lost(error)

    def cut(self) -> None:
        """Close the connection without a word."""
        if self._socket is not None:
            self._socket.abort()


def _after(fault: Fault | None, server: _Protocol, answer: str) -> str:
    if fault is not None and fault.kind == "drop_after":
        server.cut()
    return answer


def _refusal(fault: Fault) -> str | None:
    match fault.kind:
        case "rate_limited":
            return "450 4.7.1 too much mail, try again later"
        case "server_error":
            # Fault speaks HTTP, where 503 is the default; SMTP's 503 would mean a wrong order of commands.
            return f"{451 if fault.status in {500, 502, 503, 504} else fault.status} the sandbox was asked to refuse"
        case "drop_before" | "drop_after" | "delay":
            return None


def _has_domain(address: str) -> bool:
    return address.isascii() and WITH_DOMAIN.fullmatch(address) is not None


def _pages(messages: list[ReceivedMail]) -> Starlette:
    page = Environment(autoescape=True).from_string(PAGE)

    async def show(request: Request) -> Response:
        return HTMLResponse(page.render(mails=list(reversed(messages))))

    async def as_json(request: Request) -> Response:
        return JSONResponse([mail.as_json() for mail in messages])

    return Starlette(routes=[Route("/", show), Route("/messages", as_json)])
