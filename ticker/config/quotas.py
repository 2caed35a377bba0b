"""What a configuration asks of its sources, against what they allow: calls, quotas, bytes. Pure; asks nobody.

Stand-ins (`allow_private = true`) have limits of their own and are left out.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from ticker import currencies
from ticker.config.durations import duration_text
from ticker.config.settings import SourceSettings
from ticker.model import CoinId, SourceName
from ticker.politeness import Allowance, allowances
from ticker.sources.base import DAY, HOUR, MINUTE, MONTH, SECOND, Plan, Source

GIGABYTE = 10**9
MOST_BYTES_A_DAY = GIGABYTE  # from all sources together
_FULL = 1 + 1e-9  # of a share: what fits exactly must not fail by a rounding error
_WORDS = {SECOND: "second", MINUTE: "minute", HOUR: "hour", DAY: "day", MONTH: "month"}


@dataclass(frozen=True, slots=True)
class Demand:
    """What one source is asked for: `requests` every `every` seconds, under a plan."""

    source: Source
    plan: Plan
    every: float
    requests: int

    @property
    def quota(self) -> str:
        """The allowance it draws on; sources of one operator may share one, under the same plan."""
        return f"{self.source.quota or self.source.name}/{self.plan.name}"

    @property
    def calls_a_day(self) -> float:
        """Requests a day, when all goes well."""
        return self.requests * DAY / self.every

    @property
    def bytes_a_day(self) -> float:
        """What it sends us a day, compressed."""
        return self.source.typical_bytes * self.calls_a_day

    @property
    def rate(self) -> float:
        """What it counts against its limits, in units a second."""
        return self.requests * self.source.cost / self.every


@dataclass(frozen=True, slots=True)
class Usage:
    """One limit, and those who draw on it."""

    quota: str
    allowance: Allowance
    demands: tuple[Demand, ...]

    @property
    def asked(self) -> float:
        """Units in the time that our share is for."""
        return sum(one.rate for one in self.demands) * self.allowance.per

    @property
    def part(self) -> float:
        """How much of our share is used: 1.0 = all of it."""
        return self.asked / self.allowance.units

    @property
    def fits(self) -> bool:
        """Whether it is not more than our share."""
        return self.part <= _FULL


def demands(
    settings: Mapping[SourceName, SourceSettings],
    ids_on: Callable[[SourceName], Mapping[CoinId, Sequence[str]]],
    sources: Mapping[SourceName, Source],
) -> tuple[Demand, ...]:
    """What is asked of each source that is polled, apart from stand-ins. `ids_on` gives the coins it is asked for."""
    found = []
    for name, one in settings.items():
        if one.idle is None and not one.allow_private:
            source = sources[name]
            ids = currencies.ids() if source.of == "currencies" else ids_on(name)
            requests = source.requests([its for many in ids.values() for its in many])
            plan = next(plan for plan in source.plans if plan.name == one.plan)
            found.append(Demand(source, plan, one.every, len(requests)))
    return tuple(found)


def usages(asked: Sequence[Demand]) -> tuple[Usage, ...]:
    """Every limit of every quota that is drawn on."""
    found: list[Usage] = []
    for quota in dict.fromkeys(one.quota for one in asked):
        sharing = tuple(one for one in asked if one.quota == quota)
        limits = [limit for one in sharing for limit in one.plan.limits]
        shares = allowances(limits, max(one.source.cost for one in sharing))
        found += [Usage(quota, share, sharing) for share in shares]
    return tuple(found)


def bytes_a_day(asked: Iterable[Demand]) -> float:
    """What all of them together send us a day."""
    return sum(one.bytes_a_day for one in asked)


def misfits(asked: Sequence[Demand]) -> dict[SourceName, str]:
    """What cannot be: the sources that should be asked less often, and why."""
    found: dict[SourceName, str] = {}
    for usage in usages(asked):
        if not usage.fits:
            demand = max(usage.demands, key=lambda one: one.rate)
            interval = _within_quota(asked, demand)
            if interval is not None:
                interval = max(interval, _within_bytes(asked, demand) or 0.0)
            found.setdefault(demand.source.name, f"{_over(usage)}; {_advice(interval)}")
    total = bytes_a_day(asked)
    if total > MOST_BYTES_A_DAY * _FULL:
        demand = max(asked, key=lambda one: one.bytes_a_day)
        reason = (
            f"{total / GIGABYTE:.2f} GB a day would come from all sources, {demand.bytes_a_day / GIGABYTE:.2f} of it "
            f"from {demand.source.title}; we take at most {MOST_BYTES_A_DAY / GIGABYTE:g} GB"
        )
        found.setdefault(demand.source.name, f"{reason}; {_advice(_within_bytes(asked, demand))}")
    return found


def amount(value: float) -> str:
    """A number of calls as people read it; what is little is never nothing."""
    if 0 < value < 0.01:
        return "<0.01"
    return f"{ceil(round(value, 6)):,}" if value >= 100 else f"{value:.2f}".rstrip("0").rstrip(".")


def period(seconds: float) -> str:
    """A limit's time in words: "minute", "10s"."""
    return _WORDS.get(seconds) or duration_text(seconds)


def _within_quota(asked: Sequence[Demand], demand: Demand) -> float | None:
    """The least seconds between polls of a source inside its quota, the others as they are; None = at none."""
    mine = [one for one in usages(asked) if one.quota == demand.quota]
    free = min(one.allowance.rate - sum(other.rate for other in one.demands if other is not demand) for one in mine)
    return None if free <= 0 else demand.requests * demand.source.cost / free


def _within_bytes(asked: Sequence[Demand], demand: Demand) -> float | None:
    """The same for the bytes of all sources together."""
    free = MOST_BYTES_A_DAY - (bytes_a_day(asked) - demand.bytes_a_day)
    return None if free <= 0 else demand.bytes_a_day * demand.every / free


def _over(usage: Usage) -> str:
    limit, mine = usage.allowance.limit, usage.allowance
    return (
        f"{amount(usage.asked)} a {period(mine.per)} would be asked of "
        f"{' and '.join(one.source.title for one in usage.demands)}; of the {limit.calls:,} a {period(limit.per)} that "
        f'plan "{usage.demands[0].plan.name}" allows we use at most {amount(mine.units)} a {period(mine.per)}'
    )


def _advice(seconds: float | None) -> str:
    if seconds is None:
        return "no interval fits while the others are asked as often as they are"
    return f'the smallest interval that fits is "{duration_text(ceil(round(seconds, 6)))}"'
