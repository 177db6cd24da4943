"""The stateful test of jobs (tests/job_machine.py), many times over."""

import asyncio
import traceback

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from chaos.trials import Finding, Stand
from tests.job_machine import JobMachine

STEPS = 40


async def machine(it: Stand, runs: int) -> list[Finding]:
    """Everything that may happen to jobs and their workers, in any order, checked after every step."""
    counterexample = await asyncio.to_thread(_run, it.redis.url, runs)
    if counterexample:
        print(counterexample)
    promise = f"whatever happens in {STEPS} steps: each job has one end, one webhook id, and an entry until then"
    return [Finding(promise, runs, "a counterexample" if counterexample else "none found", not counterexample)]


def _run(url: str, runs: int) -> str:
    """The counterexample that was found, or an empty string."""
    JobMachine.url, JobMachine.loop = url, asyncio.new_event_loop()
    try:
        run_state_machine_as_test(
            JobMachine,
            settings=settings(
                max_examples=runs,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                phases=(Phase.generate,),
                suppress_health_check=list(HealthCheck),
            ),
        )
    except Exception:
        return traceback.format_exc()
    finally:
        JobMachine.loop.close()
    return ""
