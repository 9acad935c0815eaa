"""The Slack adapter: it parses what people do, calls one method of the core, and renders what comes back."""
