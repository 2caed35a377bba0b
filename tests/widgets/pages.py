"""Reads drawn HTML the way a browser does, for tests to ask what is really there."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "input"}


@dataclass
class Element:
    """One element: its tag, attributes, children and the text directly or deeper inside."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Element | str"] = field(default_factory=list)

    @property
    def classes(self) -> list[str]:
        """Its class names."""
        return self.attributes.get("class", "").split()

    @property
    def text(self) -> str:
        """All text inside, styles left out."""
        if self.tag == "style":
            return ""
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def all(self) -> "list[Element]":
        """Itself and every element inside, in document order."""
        inner = [child for child in self.children if isinstance(child, Element)]
        return [self, *(deeper for child in inner for deeper in child.all())]

    def find(self, name: str) -> "list[Element]":
        """Elements inside with the class `name`."""
        return [element for element in self.all() if name in element.classes]

    def one(self, name: str) -> "Element":
        """The only element inside with the class `name`."""
        (found,) = self.find(name)
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.stack = [Element("document")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice on <{tag}>: {names}"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.stack[-1].children.append(element)
        if tag not in VOID:
            self.stack.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack[-1].tag == tag, f"</{tag}> closes <{self.stack[-1].tag}>"
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        self.stack[-1].children.append(data)


def read(html: str) -> Element:
    """The tree of `html`; fails where tags do not close in order or an attribute stands twice."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert len(reader.stack) == 1, f"never closed: {[element.tag for element in reader.stack[1:]]}"
    return reader.stack[0]
