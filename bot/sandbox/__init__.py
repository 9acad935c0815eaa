"""A strict Slack, Jira, SFTP server and mailbox on loopback: for the demo, for tests, for learning.

Nothing but the command line and the tests imports this package; the bot reaches it through its ordinary settings.
"""
