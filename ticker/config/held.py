"""What of a changed configuration a running service cannot take over: those settings keep their values and wait.

Pure. Knows which settings they are, not why: the reasons stand beside each.
"""

from msgspec.structs import replace

from ticker.config.load import Config

RESTART: tuple[tuple[str, str], ...] = (
    ("server", "host"),  # these are of the socket and the processes behind it
    ("server", "port"),
    ("server", "workers"),
    ("server", "fast_lane"),
    ("server", "access_log"),
    ("server", "metrics_port"),
    ("server", "metrics_host"),
    ("server", "status"),
    ("store", "url"),  # these of the store, which is opened once
    ("store", "prefix"),
    ("history", "keep"),
    ("history", "fill"),  # is done at the start
)


def held(new: Config, running: Config) -> tuple[Config, tuple[str, ...]]:
    """The new configuration as far as a service that runs with the other can take it over; and what has to wait.

    Sources that the configuration makes in the same way as before are the same values.
    """
    waiting = []
    for section, name in RESTART:
        present = getattr(getattr(running, section), name)
        if getattr(getattr(new, section), name) != present:
            waiting.append(f"{section}.{name}")
            new = replace(new, **{section: replace(getattr(new, section), **{name: present})})
    registry = {
        name: running.registry[name] if name in new.own and new.own[name] == running.own.get(name) else source
        for name, source in new.registry.items()
    }
    return replace(new, registry=registry), tuple(waiting)
