"""Limits of the rate: the requests and the time that calls take beyond what is needed.

Each kind of limit is simulated. Five seconds of refusals are measured on loopback as well, beside the same calls to a
provider that refuses nothing.
"""

import asyncio
import time
from collections import Counter

from nlp2filters.llm.opening import create
from nlp2filters.llm.provider import LLMProvider
from nlp2filters.llm.registry import LLMConfig
from tests.llm.simulated import KINDS, LATENCIES_S, measure
from tests.peers import limited
from tests.peers.limited import Policy, Server, refusing_for

CALLS = 200


async def main() -> None:
    """Print both tables."""
    await asyncio.to_thread(_simulated)  # It has event loops of its own.
    print("\n| loopback, answers after | what | requests per call | time in s |\n|---|---|---|---|")
    with limited.running() as server:
        for latency_s in LATENCIES_S:
            config = LLMConfig(provider="openai", base_url=server.url, api_key="", model="test", timeout_s=60.0)
            async with create(config) as provider:
                policies: dict[str, Policy] = {
                    "no refusal": lambda number, elapsed_s: None,
                    "5 s of refusals, cold": refusing_for(5),
                    "5 s of refusals, known": refusing_for(5),
                }
                for name, policy in policies.items():
                    server.begin(policy, latency_s=latency_s)
                    took_s = await _answered(server, provider)
                    print(f"| {latency_s:g} s | {name} | {server.requests / CALLS:.2f} | {took_s:.1f} |")


def _simulated() -> None:
    columns = " | ".join(f"{latency_s:g} s" for latency_s in LATENCIES_S)
    print(f"| requests per call / time, of the best | | {columns} |\n|---|---|{len(LATENCIES_S) * '---|'}")
    for name, kind in KINDS.items():
        outcomes = [measure(kind, latency_s) for latency_s in LATENCIES_S]
        print(f"| {name} | cold | {' | '.join(cold.text for cold, _ in outcomes)} |")
        print(f"| | known | {' | '.join(known.text for _, known in outcomes)} |")


async def _answered(server: Server, provider: LLMProvider) -> float:
    """Make the calls at once. Returns the seconds that they took."""
    began = time.monotonic()
    results = await asyncio.gather(*(provider.complete([], {}) for _ in range(CALLS)), return_exceptions=True)
    outcomes = Counter(type(result).__name__ for result in results)
    assert outcomes == {"Answer": CALLS} and server.answers == CALLS, outcomes
    return time.monotonic() - began
