"""The servers outside for a bot under load: ``python -m tests.bench.scale.outside``.

Slack, Jira and a mailbox in one process, without Slack's rate limits: a bot that is told to wait would do less work,
and look faster. One line of JSON with the addresses on standard output; ends when standard input is closed.
"""

import json
import sys

from bot.sandbox.jira import JiraServer
from bot.sandbox.mailbox import Mailbox
from bot.sandbox.slack import SlackServer
from bot.sandbox.slack.rate_limits import RateLimits


def main() -> None:
    """Serve until standard input is closed."""
    with SlackServer(rate_limits=RateLimits(enforced=False)) as slack, JiraServer() as jira, Mailbox() as mailbox:
        addresses = {
            "SLACK__API_URL": slack.api_url,
            "SLACK__BOT_TOKEN": slack.bot_token,
            "SLACK__SIGNING_SECRET": slack.signing_secret,
            "SLACK__CHANNEL": "C0ONBOARD",
            # The bot is measured, not Slack's limits.
            "SLACK__EDITS_PER_MINUTE": "1000000",
            "SLACK__POSTS_PER_MINUTE": "1000000",
            "JIRA__URL": jira.url,
            "JIRA__TOKEN": jira.token,
            "JIRA__PROJECT": "ACT",
            "JIRA__DATABASE_PROJECT": "DB",
            "SMTP__HOST": mailbox.host,
            "SMTP__PORT": str(mailbox.smtp_port),
            "SMTP__FROM": "Onboarding <onboarding@saaswedo.example>",
        }
        sys.stdout.write(json.dumps(addresses) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
