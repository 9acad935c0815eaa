"""A Bolt app that acknowledges a click and does nothing: ``bare.py PORT API_URL TOKEN SIGNING_SECRET``."""

import sys

import uvicorn
from fastapi import FastAPI, Request, Response
from slack_bolt import Ack, App
from slack_bolt.adapter.fastapi import SlackRequestHandler
from slack_sdk import WebClient


def main() -> None:
    """Serve until the process is ended."""
    port, api_url, token, secret = sys.argv[1:]
    app = App(client=WebClient(token=token, base_url=api_url), signing_secret=secret, token_verification_enabled=False)

    def acknowledge(ack: Ack) -> None:
        ack()

    app.action("ticks")(acknowledge)
    handler = SlackRequestHandler(app)
    web = FastAPI()

    async def events(request: Request) -> Response:
        return await handler.handle(request)

    web.add_api_route("/slack/events", events, methods=["POST"])
    uvicorn.run(web, host="127.0.0.1", port=int(port), access_log=False, log_level="error")


if __name__ == "__main__":
    main()
