"""Reads a page as a browser would, and refuses what is not well formed or comes from elsewhere."""

from dataclasses import dataclass, field
from decimal import Decimal
from html.parser import HTMLParser
from xml.etree import ElementTree

VOID = {"meta", "link", "br", "input", "img", "hr", "wbr"}


class HtmlPage(HTMLParser):
    """The page's text by element, its ids and its language; every element must be closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.language: str | None = None
        self.words: dict[str, list[str]] = {}
        self.feed(page)
        self.close()
        assert self.open == []
        assert len(set(self.ids)) == len(self.ids)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        assert tag not in {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
        assert not {name for name in named if name.startswith("on") or name in {"src", "href", "style"}}
        if tag == "html":
            self.language = named["lang"]
        if named.get("id"):
            self.ids.append(str(named["id"]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and data.strip():
            self.words.setdefault(self.open[-1], []).append(" ".join(data.split()))


@dataclass(frozen=True)
class DrawnStep:
    """A step of a waterfall as it stands in the drawing."""

    kind: str
    amount: Decimal
    end: Decimal
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Drawing:
    """One SVG of a page, which must be well-formed XML, with a title that its ``aria-labelledby`` names."""

    element: ElementTree.Element
    classes: list[str] = field(default_factory=list)

    @property
    def printed(self) -> Decimal:
        return Decimal(self.element.attrib["data-printed"])

    @property
    def steps(self) -> list[DrawnStep]:
        return [
            DrawnStep(
                group.attrib["data-kind"],
                Decimal(group.attrib["data-amount"]),
                Decimal(group.attrib["data-end"]),
                tuple(float(group.find("rect").attrib[name]) for name in ("x", "y", "width", "height")),  # type: ignore[union-attr, arg-type]
            )
            for group in self.element.iter("g")
        ]

    @property
    def rows(self) -> dict[str, str]:
        """The state of each row of a timeline, by its stage."""
        return {group.attrib["data-row"]: group.attrib["data-state"] for group in self.element.iter("g")}


def drawings(page: str, kind: str, size: str = "wide") -> list[Drawing]:
    """Return the drawings of a class and a size."""
    found = []
    for part in page.split("<svg ")[1:]:
        element = ElementTree.fromstring("<svg " + part[: part.index("</svg>")] + "</svg>")
        classes = element.attrib.get("class", "").split()
        if kind in classes and size in classes:
            named = element.attrib["aria-labelledby"].split()
            texts = {each.attrib["id"]: each.text for each in element if "id" in each.attrib}
            assert element.attrib["role"] == "img"
            assert all(texts[name] and texts[name].strip() for name in named)
            found.append(Drawing(element, classes))
    return found
