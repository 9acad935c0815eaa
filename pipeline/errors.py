"""What can go wrong in the chain apart from the file itself.

PipelineError
├── ConfigurationError      a pack, a form or the caller's set-up is wrong: exit 2, for the team, not for the partner
│   └── ClientFileError     client.yaml or its inventory cannot be used
└── DeliveryError           the other side refused the file; ``reason`` says why in words

What is wrong with the file is no exception: it is a finding (pipeline.findings).
"""


class PipelineError(Exception):
    """Base of all errors that the chain raises on purpose."""


class ConfigurationError(PipelineError):
    """A pack, form or setting that cannot be used; names the view, the column and the value where there are any."""

    def __init__(
        self, message: str, *, view: str | None = None, column: str | None = None, value: str | None = None
    ) -> None:
        super().__init__(message)
        self.view = view
        self.column = column
        self.value = value


class ClientFileError(ConfigurationError):
    """client.yaml or the inventory it names is missing, malformed or incomplete."""


class DeliveryError(PipelineError):
    """A Delivery port could not put the file on the other side."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
