"""What is wrong with a Redis that works: holes that are known in its version, and settings that would lose prices.

Distributions mend old versions without a new number, so this is advice, and nothing is refused for it (trust rules 26
and 39). Pure; knows no connection.
"""

from collections.abc import Mapping
from typing import Any

OLDEST = (6, 2)

# The first release of each line with all fixes that we know of, as of 2026-11. Lines between these have none.
REDIS_FLOORS = {
    (6, 2): 20,
    (7, 2): 11,
    (7, 4): 9,
    (8, 2): 9,
    (8, 4): 6,
    (8, 6): 6,
    (8, 8): 2,
    (8, 10): 1,
}
VALKEY_FLOORS = {(7, 2): 11, (8, 0): 6, (8, 1): 4}
HOLES = "CVE-2025-49844 among them, by which a script takes over the server"


def complaints(info: Mapping[str, Any]) -> list[str]:
    """A sentence for each; `info` is what INFO says, by name."""
    found = []
    valkey = info.get("valkey_version")
    name, version = ("Valkey", str(valkey)) if valkey else ("Redis", str(info.get("redis_version", "")))
    if hole := _hole(name, version):
        found.append(hole)
    policy = str(info.get("maxmemory_policy", ""))
    if policy.startswith("allkeys-"):
        found.append(
            f"its maxmemory-policy {policy} throws prices and history away when memory is full; set it to noeviction"
        )
    return found


def _hole(name: str, version: str) -> str | None:
    parts = [int(part) if part.isdigit() else 0 for part in version.split(".")[:3]]
    if len(parts) < 3:
        return None
    line, patch = (parts[0], parts[1]), parts[2]
    floors = REDIS_FLOORS if name == "Redis" else VALKEY_FLOORS
    if name == "Redis" and line < OLDEST:
        return f"{name} {version} is older than we know how to use; take {max(floors)[0]}.{max(floors)[1]}"
    if line > max(floors) or patch >= floors.get(line, 1_000_000):
        return None
    better = f"{line[0]}.{line[1]}.{floors[line]}" if line in floors else "a newer line"
    return f"{name} {version} has known holes ({HOLES}) unless your distribution has mended them; take {better}"
