"""Take away each guard of rules 1-15, one at a time, and see that a named test notices.

Every row says which rule it breaks, where, the text that is the guard, what stands there without it, and the tests that
must fail then. `python tests/exam/mutations.py` works on copies of the tree; exit code 1 where a guard is missed by
nobody. That every text is still there, once, is a test of every run (`test_exam.py`).
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("ticker", "widgets", "tests", "config", "pyproject.toml")
FAILED = 1  # pytest's exit code for tests that failed; others mean that they could not be run

OUTVOTED, UNITS, LEAPS = "tests/faults/test_outvoted.py", "tests/faults/test_units.py", "tests/faults/test_leaps.py"
TIMES, ANSWERS, DATED = "tests/faults/test_times.py", "tests/faults/test_answers.py", "tests/faults/test_dated.py"
STATES, GUARDS = "tests/consensus/test_states.py", "tests/consensus/test_guards.py"


class Mutation(NamedTuple):
    """A guard, and the text without it."""

    rule: int
    guard: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


MUTATIONS = (
    Mutation(
        1,
        "one vote for each group",
        "ticker/consensus/votes.py",
        "groups.setdefault(rules.voters[one.quote.source].group, [])",
        "groups.setdefault(one.quote.source, [])",
        (f"{STATES}::test_sources_of_one_group_have_one_vote",),
    ),
    Mutation(
        1,
        "aggregators never outvote two venues",
        "ticker/consensus/votes.py",
        "if len(votes) - len(aggregators) >= 2 and 2 * len(aggregators) >= len(votes):",
        "if not votes:",
        (f"{OUTVOTED}::test_aggregators_collude", f"{OUTVOTED}::test_four_aggregators_against_three_venues"),
    ),
    Mutation(
        2,
        "the middle, not the mean",
        "ticker/consensus/settle.py",
        "    price = median(ordered)\n",
        "    price = sum(ordered) / len(ordered)\n",
        ("tests/consensus/test_robust_core.py::test_the_middle_and_not_the_mean",),
    ),
    Mutation(
        2,
        "outliers go out",
        "ticker/consensus/membership.py",
        "    far = reach(prices, middle)\n",
        "    far = 1000 * middle\n",
        (f"{DATED}::test_2021_10_21_binance_us", f"{DATED}::test_2026_02_06_bithumb"),
    ),
    Mutation(
        2,
        "nothing beyond 10 % of the median is in",
        "ticker/consensus/statistics.py",
        "OUTLIER_CAP * middle)",
        "1000 * middle)",
        ("tests/consensus/test_robust_core.py::test_reach_is_between_half_a_percent_and_ten",),
    ),
    Mutation(
        2,
        "prices within sane bounds",
        "ticker/sources/base.py",
        "        return LOWEST_PRICE <= price <= HIGHEST_PRICE\n",
        "        return True\n",
        (f"{ANSWERS}::test_a_price_that_is_none",),
    ),
    Mutation(
        3,
        "no majority, no price",
        "ticker/consensus/settle.py",
        "    if 2 * cluster <= groups:\n",
        "    if cluster < 2:\n",
        (f"{OUTVOTED}::test_four_split_two_to_two", f"{OUTVOTED}::test_an_even_split_of_four"),
    ),
    Mutation(
        3,
        "three must agree for ok",
        "ticker/consensus/settle.py",
        '"ok" if cluster >= QUORUM else "degraded"',
        '"ok"',
        (f"{OUTVOTED}::test_one_of_three_is_tenfold", f"{OUTVOTED}::test_quorum_is_lost_and_returns"),
    ),
    Mutation(
        3,
        "a price of one source is labelled",
        "ticker/consensus/settle.py",
        '"single" if groups else "none"',
        '"ok" if groups else "none"',
        (f"{OUTVOTED}::test_only_two_quote_it_and_one_dies",),
    ),
    Mutation(
        4,
        "confidence is published",
        "ticker/consensus/settle.py",
        "confidence(ordered, price) if len(ordered) >= QUORUM else None",
        "None",
        (f"{DATED}::test_2021_09_20_pyth",),
    ),
    Mutation(
        4,
        "as of the votes, not of the arithmetic",
        "ticker/consensus/settle.py",
        "    times = sorted(vote.at for vote in chosen)\n",
        "    times = sorted(one.quote.received for vote in chosen for one in vote.counted)\n",
        (f"{TIMES}::test_a_price_is_as_of_its_votes",),
    ),
    Mutation(
        5,
        "who was out needs three near polls",
        "ticker/consensus/rules.py",
        "RETURN_POLLS = 3 ",
        "RETURN_POLLS = 1 ",
        (f"{OUTVOTED}::test_a_source_that_recovers_waits_three_polls",),
    ),
    Mutation(
        5,
        "near is half of what puts it out",
        "ticker/consensus/rules.py",
        'RETURN_REACH = Decimal("0.5")',
        'RETURN_REACH = Decimal("1")',
        (f"{GUARDS}::test_it_returns_after_three_near_polls",),
    ),
    Mutation(
        5,
        "those who wait do not leave the price to a minority",
        "ticker/consensus/rules.py",
        'RETURN_SHIFT = Decimal("0.0025")',
        'RETURN_SHIFT = Decimal("1")',
        (f"{OUTVOTED}::test_liars_as_others_recover",),
    ),
    Mutation(
        6,
        "a jump waits",
        "ticker/consensus/jumps.py",
        '        return Guarded("wait", jump=Jump(up, now, polls, times))\n',
        "        return PUBLISH\n",
        (f"{LEAPS}::test_a_glitch_of_one_poll_on_all", f"{LEAPS}::test_a_glitch_on_two_of_three"),
    ),
    Mutation(
        6,
        "a jump is not held for ever",
        "ticker/consensus/jumps.py",
        "    if all(_answered_again(",
        "    if not jump and all(_answered_again(",
        (f"{LEAPS}::test_a_real_crash_of_99_percent", f"{DATED}::test_2022_05_luna"),
    ),
    Mutation(
        6,
        "one or two sources must say it twice more",
        "ticker/consensus/jumps.py",
        "jump, twice=few)",
        "jump, twice=False)",
        (f"{LEAPS}::test_a_jump_on_one_or_two_sources",),
    ),
    Mutation(
        7,
        "a power of ten on thin evidence is hidden",
        "ticker/consensus/jumps.py",
        "    if few and power_of_ten(ratio):\n",
        "    if few and not ratio:\n",
        (f"{UNITS}::test_a_unit_jump_on_thin_evidence",),
    ),
    Mutation(
        7,
        "it stays hidden until it is confirmed",
        "ticker/consensus/jumps.py",
        '            return Guarded("hide", unit=before.unit)\n',
        "            return PUBLISH\n",
        (f"{UNITS}::test_a_unit_jump_on_thin_evidence",),
    ),
    Mutation(
        7,
        "a change of unit is named as one",
        "ticker/consensus/membership.py",
        'Out("unit" if power_of_ten(vote.price / middle) else "outlier", vote.polls)',
        'Out("outlier", vote.polls)',
        (f"{UNITS}::test_one_source_changes_its_unit", f"{DATED}::test_2022_01_btt"),
    ),
    Mutation(
        8,
        "a wild source is suspended",
        "ticker/consensus/canary.py",
        "if coins >= CANARY_COINS}",
        "if coins > 10**9}",
        (f"{DATED}::test_2021_12_14_coinmarketcap", f"{UNITS}::test_a_lone_source_goes_wild"),
    ),
    Mutation(
        8,
        "one stablecoin is enough",
        "ticker/consensus/canary.py",
        "CANARY_COINS if coin in pegged else 1",
        "1",
        (f"{UNITS}::test_a_wild_stablecoin_silences_its_source",),
    ),
    Mutation(
        8,
        "an even split silences nobody by its middle",
        "ticker/consensus/canary.py",
        "if above <= below * CANARY_FACTOR else fair",
        "if above else fair",
        (f"{UNITS}::test_half_of_all_go_wild",),
    ),
    Mutation(
        9,
        "a stablecoin is not the dollar",
        "ticker/consensus/votes.py",
        'elif quote.currency == "usd":',
        'elif quote.currency in ("usd", "tether", "usd-coin"):',
        (f"{UNITS}::test_no_price_of_usdt_no_vote_in_usdt", f"{DATED}::test_2023_03_11_usdc"),
    ),
    Mutation(
        9,
        "a peg that few vouch for converts nothing",
        "ticker/consensus/settle.py",
        "    if groups < QUORUM and abs(price.price - 1) > PEG_DRIFT[groups]:\n",
        "    if not groups:\n",
        (f"{UNITS}::test_a_peg_that_few_vouch_for",),
    ),
    Mutation(
        10,
        "a symbol is no id",
        "ticker/config/ids.py",
        "        if not source.own and _is_symbol(value, coin, source):\n",
        "        if not value:\n",
        (f"{DATED}::test_always_same_symbol",),
    ),
    Mutation(
        10,
        "a coin's price is that under its own id",
        "ticker/sources/base.py",
        "            best = priced.get(one)\n",
        "            best = priced.get(one) or next(iter(priced.values()), None)\n",
        (f"{DATED}::test_always_same_symbol",),
    ),
    Mutation(
        11,
        "times that cannot be do not count",
        "ticker/consensus/votes.py",
        "        if at <= 0 or at > now + FUTURE:\n",
        "        if at < -1e30:\n",
        (f"{TIMES}::test_a_time_that_cannot_be", f"{TIMES}::test_a_clock_that_is_ahead"),
    ),
    Mutation(
        11,
        "a time that is missing is not now",
        "ticker/sources/base.py",
        "at=(best.at or 0.0) if source.timed else best.at,",
        "at=best.at,",
        (f"{TIMES}::test_times_are_missing",),
    ),
    Mutation(
        11,
        "the provider's time goes before ours",
        "ticker/consensus/votes.py",
        "at = quote.received if quote.at is None else quote.at",
        "at = quote.received",
        (f"{TIMES}::test_a_time_that_cannot_be", f"{DATED}::test_2015_05_bitcoinaverage"),
    ),
    Mutation(
        12,
        "a frozen source has no vote",
        "ticker/consensus/frozen.py",
        "            frozen.add(quote.source)\n",
        "            frozen.discard(quote.source)\n",
        (f"{TIMES}::test_a_frozen_source", f"{DATED}::test_2025_02_coindesk"),
    ),
    Mutation(
        12,
        "no volume is no life",
        "ticker/consensus/frozen.py",
        "(quote.at != last.at and quote.volume_24h != 0)",
        "quote.at != last.at",
        (f"{TIMES}::test_a_halted_venue", f"{DATED}::test_2019_2022_2023_bisq"),
    ),
    Mutation(
        12,
        "few that run away do not freeze the others",
        "ticker/consensus/frozen.py",
        "moved >= FROZEN_GROUPS and 2 * moved > len(moves)",
        "moved >= FROZEN_GROUPS",
        (f"{GUARDS}::test_two_that_glitch_cannot_silence_three_that_are_quiet",),
    ),
    Mutation(
        13,
        "votes end by age",
        "ticker/consensus/votes.py",
        "        elif now - at > voter.life:\n",
        "        elif now - at > 1e30:\n",
        (f"{TIMES}::test_one_of_four_stalls", f"{TIMES}::test_a_clock_that_is_behind"),
    ),
    Mutation(
        14,
        "live ends",
        "ticker/model.py",
        "        if now < self.live_until:\n",
        "        if now < self.gone_at:\n",
        (f"{TIMES}::test_all_stall", f"{DATED}::test_2022_02_cryptonator"),
    ),
    Mutation(
        14,
        "an old price is gone",
        "ticker/model.py",
        'return "stale" if now < self.gone_at else "none"',
        'return "stale"',
        (f"{TIMES}::test_all_stall",),
    ),
    Mutation(
        14,
        "a page is drawn anew when a price changes its rung",
        "ticker/server/shelf.py",
        "        if now >= self._edition.until:\n",
        "        if now < 0:\n",
        (f"{TIMES}::test_all_stall",),
    ),
    Mutation(
        14,
        "what was good at a time that has not come is not good",
        "ticker/consensus/settle.py",
        "before.good.as_of > now + FUTURE:",
        "before.good.as_of > now + 1e30:",
        (f"{TIMES}::test_our_clock_jumps_an_hour",),
    ),
    Mutation(
        15,
        "a number is what looks like one",
        "ticker/sources/values.py",
        "    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):\n",
        "    if len(text) > _LONGEST_NUMBER:\n",
        (f"{ANSWERS}::test_a_price_that_is_none",),
    ),
    Mutation(
        15,
        "never in scientific notation",
        "ticker/server/views.py",
        'return format(value, "f")',
        "return str(value)",
        (f"{DATED}::test_always_tiny_prices",),
    ),
)


class Result(NamedTuple):
    """Whether a test noticed, and what was seen."""

    mutation: Mutation | None
    noticed: bool
    told: str


def copied(folder: Path) -> Path:
    """A copy of the tree to spoil."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.sqlite3"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def tested(folder: Path, tests: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run these tests in a copy."""
    environ = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header", "-W", "ignore", *tests]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)


def spoiled(text: str, mutation: Mutation) -> str:
    """A file without its guard. Raises ValueError where the guard is not there, or more than once."""
    if text.count(mutation.old) != 1:
        raise ValueError(f"{mutation.file}: {mutation.old!r} is there {text.count(mutation.old)} times")
    return text.replace(mutation.old, mutation.new)


def tried(mutation: Mutation) -> Result:
    """Take one guard away; every test named must fail."""
    with tempfile.TemporaryDirectory() as name:
        folder = copied(Path(name))
        path = folder / mutation.file
        path.write_text(spoiled(path.read_text(encoding="utf-8"), mutation), encoding="utf-8")
        missed = []
        for test in mutation.tests:
            done = tested(folder, [test])
            if done.returncode != FAILED or "error during collection" in done.stdout:
                missed.append(f"{test} (exit code {done.returncode}): {done.stdout[-300:]}")
    return Result(mutation, not missed, "; ".join(missed))


def unspoiled() -> Result:
    """All tests named, in a copy that nothing was taken from: they pass."""
    with tempfile.TemporaryDirectory() as name:
        done = tested(copied(Path(name)), sorted({test for mutation in MUTATIONS for test in mutation.tests}))
    return Result(None, done.returncode == 0, done.stdout[-500:])


def run(workers: int | None = None) -> list[Result]:
    """The unspoiled tree first, then every mutation, a few at a time."""
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        return [unspoiled(), *pool.map(tried, MUTATIONS)]


def report(results: Sequence[Result], seconds: float) -> str:
    """What came of it, in lines."""
    mutated = [result for result in results if result.mutation is not None]
    noticed = sum(result.noticed for result in mutated)
    rules = sorted({result.mutation.rule for result in mutated if result.mutation})
    lines = [
        f"{len(mutated)} guards of rules {rules[0]}-{rules[-1]} taken away one at a time, in {seconds:.0f} s: "
        f"{noticed} noticed by every test named, {len(mutated) - noticed} missed"
    ]
    for result in results:
        if not result.noticed:
            what = f"rule {result.mutation.rule}, {result.mutation.guard}" if result.mutation else "the unspoiled tree"
            lines.append(f"  {what}: {result.told}")
    return "\n".join(lines)


def main() -> None:
    """Try all; exit code 1 where a guard is missed by nobody."""
    started = time.monotonic()
    results = run()
    sys.stdout.write(report(results, time.monotonic() - started) + "\n")
    sys.exit(0 if all(result.noticed for result in results) else 1)


if __name__ == "__main__":
    main()
