"""A Dockerfile taken apart: its instructions, stage by stage. As much of the language as ours uses."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Stage:
    """One FROM and what follows; `name` is what others copy from."""

    base: str
    name: str | None
    steps: list[tuple[str, str]] = field(default_factory=list)

    def all(self, instruction: str) -> list[str]:
        """The arguments of every such instruction."""
        return [rest for what, rest in self.steps if what == instruction]

    def command(self, instruction: str) -> list[str]:
        """The last one in exec form, as its words."""
        return list(json.loads(self.all(instruction)[-1]))

    def environ(self) -> dict[str, str]:
        """What ENV sets."""
        return dict(re.findall(r"(\w+)=(\S+)", " ".join(self.all("ENV"))))


def read(path: Path) -> list[Stage]:
    """The stages of a file."""
    text = re.sub(r"^#.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    stages: list[Stage] = []
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        what, _, rest = line.strip().partition(" ")
        if what == "FROM":
            base, _, name = rest.partition(" AS ")
            stages.append(Stage(base, name or None))
        elif what:
            stages[-1].steps.append((what, rest.strip()))
    return stages
