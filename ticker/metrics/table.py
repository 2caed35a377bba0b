"""Every metric of ours: its name, its kind, its labels, what it says, and the figures it is read from. Pure.

Labels have few values: doors, sources, quotas, states; never a coin, an address or a path. docs/ops.md lists them all,
and a test compares.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ticker.bulletin import Feeding, Room, SourceStanding
from ticker.metrics.figures import Figures
from ticker.model import Snapshot

Sample = tuple[Sequence[str], float]  # the values of its labels, and the number
Kind = Literal["counter", "gauge"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `read` gives its samples; none where this process does not know."""

    name: str
    kind: Kind
    about: str
    read: Callable[[Figures], Iterable[Sample]]
    labels: tuple[str, ...] = ()


def _one(value: float | None) -> list[Sample]:
    return [] if value is None else [((), float(value))]


def _requests(figures: Figures) -> Iterator[Sample]:
    if figures.serving is not None:
        for (door, status), count in sorted(figures.serving.requests.items()):
            yield (door, str(status)), count


def _serving(name: str) -> Callable[[Figures], list[Sample]]:
    """A number of the serving half."""
    return lambda figures: [] if figures.serving is None else _one(getattr(figures.serving, name))


def _polling(read: Callable[[Figures], float | None]) -> Callable[[Figures], list[Sample]]:
    """A number of the polling half."""
    return lambda figures: [] if figures.polling is None else _one(read(figures))


def _sources(read: Callable[[SourceStanding, float], float | None]) -> Callable[[Figures], list[Sample]]:
    """A number of each source, as the poller that leads knows it."""

    def samples(figures: Figures) -> list[Sample]:
        found: list[Sample] = []
        for one in _polled(figures):
            value = read(one, figures.now)
            if value is not None:
                found.append(((one.name,), float(value)))
        return found

    return samples


def _connected(feed: Feeding | None) -> bool | None:
    """Whether a feed is connected; None where there is none, or where it rests and was well."""
    return None if feed is None or (feed.resting and feed.error is None) else feed.connected


def _polled(figures: Figures) -> Sequence[SourceStanding]:
    leads = figures.polling is not None and figures.polling.leads
    return figures.polling.bulletin.sources if leads and figures.polling is not None else ()


def _polls(figures: Figures) -> Iterator[Sample]:
    for one in _polled(figures):
        for outcome, count in sorted(one.outcomes.items()):
            yield (one.name, outcome), count


def _budget(figures: Figures) -> Iterator[Sample]:
    quotas: dict[tuple[str, str], Room] = {}
    for one in _polled(figures):
        quotas.update({(one.quota, f"{room.per:.0f}s"): room for room in one.budget})
    for labels, room in sorted(quotas.items()):
        yield labels, room.left / room.units


def _prices(figures: Figures) -> Iterator[Sample]:
    snapshot: Snapshot | None = figures.snapshot
    if snapshot is not None:
        counts = Counter((one.freshness(figures.now), one.agreement) for one in snapshot.prices)
        yield from sorted((labels, float(count)) for labels, count in counts.items())


def _store(figures: Figures) -> Iterator[Sample]:
    if figures.serving is not None:
        yield ("serving",), float(figures.serving.store_up)
    if figures.polling is not None:
        yield ("polling",), float(figures.polling.store_up)


def _alerts(figures: Figures) -> list[Sample]:
    if figures.polling is None or not figures.polling.leads:
        return []
    counts = Counter(one.kind for one in figures.polling.bulletin.alerts if one.told_at is not None)
    return [((kind,), float(count)) for kind, count in sorted(counts.items())]


def _webhook(figures: Figures) -> list[Sample]:
    given = {} if figures.polling is None else figures.polling.webhook
    return [((outcome,), float(count)) for outcome, count in given.items()]


_SOURCE = ("source",)

METRICS: tuple[Metric, ...] = (
    Metric("ticker_info", "gauge", "Always 1; which version this is.", lambda f: [((f.version,), 1.0)], ("version",)),
    Metric("ticker_requests_total", "counter", "Answers, by door and HTTP status.", _requests, ("door", "status")),
    Metric(
        "ticker_tasks", "gauge", "Tasks of the event loop; one a connection, none a viewer.", lambda f: _one(f.tasks)
    ),
    Metric("ticker_viewers", "gauge", "Open live streams.", _serving("viewers")),
    Metric("ticker_streams", "gauge", "Different streams that are kept.", _serving("streams")),
    Metric(
        "ticker_frames_skipped_total",
        "counter",
        "Frames that viewers were not sent, since earlier bytes still waited for them; they get the latest later.",
        _serving("skipped"),
    ),
    Metric("ticker_variants", "gauge", "Answers that are held ready.", _serving("variants")),
    Metric(
        "ticker_snapshot_age_seconds",
        "gauge",
        "Since the snapshot was built that is shown; grows while nothing is new.",
        lambda f: _one(None if f.snapshot is None else f.now - f.snapshot.built_at),
    ),
    Metric(
        "ticker_prices",
        "gauge",
        "Coins, by freshness and agreement of their price.",
        _prices,
        ("freshness", "agreement"),
    ),
    Metric("ticker_store_up", "gauge", "Whether the store answers this half of the service.", _store, ("half",)),
    Metric(
        "ticker_leader",
        "gauge",
        "Whether this poller is the one that asks sources and publishes.",
        _polling(lambda f: f.polling.leads if f.polling else None),
    ),
    Metric(
        "ticker_source_up",
        "gauge",
        "Whether a source answers.",
        _sources(lambda one, _: None if one.condition == "waiting" else one.condition == "up"),
        _SOURCE,
    ),
    Metric(
        "ticker_source_age_seconds",
        "gauge",
        "Since a source last answered.",
        _sources(lambda one, now: None if one.answered_at is None else now - one.answered_at),
        _SOURCE,
    ),
    Metric(
        "ticker_source_latency_seconds",
        "gauge",
        "How long a source's last answer took.",
        _sources(lambda one, _: one.latency),
        _SOURCE,
    ),
    Metric(
        "ticker_source_every_seconds",
        "gauge",
        "How often a source is polled.",
        _sources(lambda one, _: one.every),
        _SOURCE,
    ),
    Metric(
        "ticker_polls_total",
        "counter",
        "Turns of sources, by how they ended: answered, put_off, or the kind of error.",
        _polls,
        ("source", "outcome"),
    ),
    Metric(
        "ticker_breaker_open",
        "gauge",
        "Whether a source is left alone after failures.",
        _sources(lambda one, _: one.breaker != "closed"),
        _SOURCE,
    ),
    Metric(
        "ticker_quota_left_ratio",
        "gauge",
        "What is left of our share of a quota, by its window in seconds.",
        _budget,
        ("quota", "window"),
    ),
    Metric(
        "ticker_stream_up",
        "gauge",
        "Whether a source's live feed is connected; not there while it rests, unless it was broken before.",
        _sources(lambda one, _: _connected(one.stream)),
        _SOURCE,
    ),
    Metric(
        "ticker_stream_rows_total",
        "counter",
        "Prices that a source has streamed.",
        _sources(lambda one, _: None if one.stream is None else one.stream.rows),
        _SOURCE,
    ),
    Metric(
        "ticker_quotes_excluded",
        "gauge",
        "Coins for which a source does not count at present.",
        _sources(lambda one, _: one.excluded_count),
        _SOURCE,
    ),
    Metric(
        "ticker_rounds_total",
        "counter",
        "Rounds of settling that were published.",
        _polling(lambda f: f.polling.bulletin.rounds.count if f.polling else None),
    ),
    Metric(
        "ticker_round_seconds_total",
        "counter",
        "Seconds that settling took, together.",
        _polling(lambda f: f.polling.bulletin.rounds.seconds if f.polling else None),
    ),
    Metric(
        "ticker_turns_late_total",
        "counter",
        "Turns of sources that did not come for two intervals: the machine is overloaded, or slept.",
        _polling(lambda f: f.polling.bulletin.late_turns if f.polling else None),
    ),
    Metric(
        "ticker_clock_steps_total",
        "counter",
        "Times the system's clock was set.",
        _polling(lambda f: f.polling.bulletin.clock_steps if f.polling else None),
    ),
    Metric(
        "ticker_clock_offset_seconds",
        "gauge",
        "How far the sources' clocks are ahead of this machine's, by their median.",
        _polling(lambda f: f.polling.bulletin.clock_offset if f.polling else None),
    ),
    Metric(
        "ticker_store_errors_total",
        "counter",
        "Times the store did not take what the poller wrote.",
        _polling(lambda f: f.polling.bulletin.store_errors if f.polling else None),
    ),
    Metric("ticker_alerts", "gauge", "Alerts that were told and are not over, by kind.", _alerts, ("kind",)),
    Metric(
        "ticker_webhook_messages_total",
        "counter",
        "Messages to the webhook: sent, failed, dropped.",
        _webhook,
        ("outcome",),
    ),
    Metric(
        "ticker_config_loaded_timestamp_seconds",
        "gauge",
        "When the configuration in use was loaded, in seconds since 1970.",
        lambda f: _one(f.config.loaded_at),
    ),
    Metric(
        "ticker_config_refused",
        "gauge",
        "Whether the configuration on disk was refused, and an older one is in use.",
        lambda f: _one(f.config.refused is not None),
    ),
    Metric(
        "ticker_config_refusals_total",
        "counter",
        "Configurations that were refused while running.",
        lambda f: _one(f.config.refusals),
    ),
)
