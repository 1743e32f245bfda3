"""`make bench`: how fast, beside a loop written by hand, in one run. README.md says how to read it.

Environment: ONLY (relay, transform, latency, gateway; comma separated), SIZE (records of `relay`; a fiftieth of it are
the events of `transform`, a twentieth the requests of `gateway`), RUNS (pairs), SEED.
"""

import asyncio
import os
import platform
import signal
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.bench import gateway, latency, relay, transform
from tests.bench.arena import arena
from tests.bench.meter import Run

PARTS = ("relay", "transform", "latency", "gateway")
HEAD = ("what", "records/s", "CPU µs/record", "RSS MiB", "rate, ratio to loop", "work per core, ratio to loop")

GATEWAY_HEAD = ("signed webhooks", "requests/s", "CPU µs/request", "p50 ms", "p99 ms", "rate, ratio to bare handler")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure; see the environment above."""

    parts: Sequence[str]
    size: int
    runs: int
    seed: int

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Plan":
        """Read the environment.

        Raises:
            SystemExit: it says something we cannot do; names the variable.
        """
        parts = environment.get("ONLY", ",".join(PARTS)).split(",")
        if unknown := set(parts) - set(PARTS):
            raise SystemExit(f"ONLY: {', '.join(sorted(unknown))} is not one of {', '.join(PARTS)}")
        return cls(
            parts,
            _number(environment, "SIZE", 100_000, 1_000),
            _number(environment, "RUNS", 4, 1),
            _number(environment, "SEED", 1, 0),
        )


def _number(environment: Mapping[str, str], name: str, default: int, least: int) -> int:
    text = environment.get(name, str(default))
    if not text.isdecimal() or int(text) < least:
        raise SystemExit(f"{name}: {text!r} is not a whole number of at least {least}")
    return int(text)


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def _median(runs: Sequence[Run]) -> Sequence[str]:
    rate, cpu, rss = (statistics.median(getattr(run, name) for run in runs) for name in ("rate", "cpu", "rss"))
    return f"{rate:,.0f}", f"{cpu:.1f}", f"{rss:.0f}"


def _relay(pairs: relay.Pairs, what: str) -> Sequence[Sequence[str]]:
    rates = [runtime.rate / loop.rate for loop, runtime in pairs]
    work = [loop.cpu / runtime.cpu for loop, runtime in pairs]
    return [
        (f"{what}, loop by hand", *_median([loop for loop, _ in pairs]), "1", "1"),
        (f"{what}, runtime", *_median([runtime for _, runtime in pairs]), _spread(rates), _spread(work)),
    ]


def _transform(plan: Plan) -> Sequence[str]:
    results = [transform.measure(max(500, plan.size // 50), plan.seed + n) for n in range(plan.runs)]
    rates = [result.events / result.seconds for result in results]
    cost = statistics.median(result.seconds / result.events for result in results) * 1e6
    rate = f"{statistics.median(rates):,.0f} ({min(rates):,.0f}-{max(rates):,.0f})"
    return "transform, one core, state in RocksDB", rate, f"{cost:.0f}", "", "", ""


def _percentile(values: Sequence[float], part: float) -> float:
    return values[min(len(values) - 1, int(len(values) * part))]


def _latency(found: Mapping[str, Sequence[float]]) -> Sequence[Sequence[str]]:
    rows = []
    for name, part in (("p50", 0.5), ("p99", 0.99)):
        loop, runtime = (_percentile(found[kind], part) * 1000 for kind in ("loop", "runtime"))
        rows.append((f"one record, idle, {name}", f"{loop:.1f}", f"{runtime:.1f}", f"{runtime / loop:.2f}"))
    return rows


def _gateway(pairs: gateway.Pairs) -> Sequence[Sequence[str]]:
    bare, ours = [first for first, _ in pairs], [second for _, second in pairs]
    ratio = _spread([second.rate / first.rate for first, second in pairs])
    return [("bare handler", *_hooks(bare), "1"), ("gateway, acknowledged by Kafka", *_hooks(ours), ratio)]


def _hooks(rounds: Sequence[gateway.Round]) -> Sequence[str]:
    rate, cpu = (statistics.median(getattr(found, name) for found in rounds) for name in ("rate", "cpu"))
    waits = [statistics.median(_percentile(found.seconds, part) for found in rounds) * 1000 for part in (0.5, 0.99)]
    return f"{rate:,.0f}", f"{cpu:.0f}", *(f"{wait:.1f}" for wait in waits)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = (head, ["---"] * len(head), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


async def _measure(plan: Plan) -> str:
    rows: list[Sequence[str]] = []
    text = ""
    if "transform" in plan.parts:
        rows.append(await asyncio.to_thread(_transform, plan))
    if {"relay", "latency", "gateway"} & set(plan.parts):
        async with arena() as here:
            if "relay" in plan.parts:
                pairs = await asyncio.to_thread(relay.measure, here, plan.size, plan.runs, plan.seed)
                rows[:0] = [*_relay(pairs[False], "relay"), *_relay(pairs[True], "relay + keyed count")]
            if "latency" in plan.parts:
                found = await asyncio.to_thread(latency.measure, here, plan.seed)
                text += "\n" + _table(("latency, ms", "loop by hand", "runtime", "ratio"), _latency(found))
            if "gateway" in plan.parts:
                hooks = await asyncio.to_thread(gateway.measure, here, max(1000, plan.size // 20), plan.runs)
                text += "\n" + _table(GATEWAY_HEAD, _gateway(hooks))
    return (_table(HEAD, rows) if rows else "") + text


def main() -> None:
    """Measure and print one table."""
    plan = Plan.read(os.environ)
    # `timeout` and supervisors end us so; the broker and the contestants are to be stopped then, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    text = asyncio.run(_measure(plan))
    what = f"{plan.size:,} records, {plan.runs} interleaved pairs, seed {plan.seed}"
    sys.stdout.write(f"{machine}; {what}; load {os.getloadavg()[0]:.1f}.\n\n{text}")


if __name__ == "__main__":
    main()
