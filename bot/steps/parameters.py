"""What a pack may name: the step kinds, with the model of each kind's ``with``. Loads no step."""

from collections.abc import Mapping

from pydantic import BaseModel

from checklists.model import (
    AskParameters,
    ChainParameters,
    ConfirmParameters,
    DepositParameters,
    DirectoryParameters,
    FormParameters,
    ReferencesParameters,
    TicketParameters,
    WatchParameters,
)


def parameter_models() -> Mapping[str, type[BaseModel]]:
    """Return, for the pack loader, the model of each kind's ``with``."""
    return {
        "confirm": ConfirmParameters,
        "form": FormParameters,
        "directory": DirectoryParameters,
        "ticket": TicketParameters,
        "deposit": DepositParameters,
        "chain": ChainParameters,
        "references": ReferencesParameters,
        "watch": WatchParameters,
        "ask": AskParameters,
    }
