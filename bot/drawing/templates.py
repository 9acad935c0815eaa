"""Where templates are filled in: escaped throughout, nothing undefined passes, the shared sheets at hand."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

SHEETS = Path(__file__).parent / "sheets"


def environment(templates: Path) -> Environment:
    """Return the environment of one folder of templates; they may include the sheets of this package."""
    return Environment(
        loader=FileSystemLoader([templates, SHEETS]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
