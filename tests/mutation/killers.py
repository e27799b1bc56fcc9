"""Who may notice a planted fault: simulated days and properties only, the cheap ones first.

`python -m tests.mutation.killers NAME CPU_S` runs one of them to its first finding (status 1), always on the same days
and the same examples; a signal ends it after so much CPU time. The finding is the last line it prints.
"""

import resource
import sys
import traceback
from collections.abc import Callable, Mapping

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from kak_sim.days import runs
from tests.properties.test_everything_machine import EverythingMachine
from tests.properties.test_house_machine import HouseMachine
from tests.properties.test_routing_machine import RoutingMachine
from tests.properties.test_workflow_machine import WorkflowMachine

MISSED = runs.Job("rules", 11, 1_500)
"""A day in which chats ring out beside a call and in the second after one, and somebody is made not ready."""


def _days(first: int, count: int, *more: runs.Job) -> str:
    """Whole days of each scenario, and others."""
    for job in (*runs.fixed(runs.ALL, first, count), *more):
        outcome = runs.do(job)
        if outcome.findings:
            return f"{job.line}: {outcome.findings[0]}"
    return ""


def _machines(examples: int, *machines: type[RuleBasedStateMachine]) -> str:
    """Random histories of the property machines; what fails is not made smaller."""
    rules = settings(
        max_examples=examples,
        stateful_step_count=50,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    for machine in machines:
        try:
            run_state_machine_as_test(machine, settings=rules)
        except Exception as raised:  # noqa: BLE001 - whatever it raises is what is looked for
            problem: BaseException = raised
            while problem.__context__ is not None:  # the first of them: what comes to an end after it may fail too
                problem = problem.__context__
            where = traceback.extract_tb(problem.__traceback__)[-1]
            what = f"{type(problem).__name__} {str(problem)[:200]}"
            return f"{machine.__name__}: {what} in {where.name} of {where.filename}: {where.line}"
    return ""


def _tests(*files: str) -> str:
    """Tests of the simulator and the properties that are of one piece. How long an example takes is no finding."""
    settings.register_profile("any speed", deadline=None, derandomize=True, database=None)
    settings.load_profile("any speed")
    status = pytest.main(["-q", "-x", "--no-header", "-p", "no:cacheprovider", *files])
    return f"pytest: {status!r}" if status else ""


MEMORY_BYTES = 4 << 30  # a mutant that hoards is noticed by what it raises, and not by what else has no memory left

KILLERS: Mapping[str, Callable[[], str]] = {
    "histories": lambda: _machines(30, RoutingMachine, WorkflowMachine),
    "days": lambda: _days(1, 1, MISSED),
    "of everything": lambda: _machines(30, EverythingMachine),
    "orders": lambda: _tests("tests/properties/test_ordered_blocks.py", "tests/properties/test_sharing.py"),
    "more histories": lambda: _machines(250, WorkflowMachine, RoutingMachine),
    "the house": lambda: _machines(20, HouseMachine),
    "of one piece": lambda: _tests(
        "tests/sim/test_national_day.py",
        "tests/properties/test_routing_machine.py::test_the_order_of_hashing_decides_nothing",
        "tests/properties/test_whatif_days.py",
    ),
    "more days": lambda: _days(100, 8),
}


def main() -> int:
    """Command line. 1: something was found."""
    cpu_s = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 60))  # the first ends it by a signal of its own
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    finding = KILLERS[sys.argv[1]]()
    print(" ".join(finding.split())[:400])
    return 1 if finding else 0


if __name__ == "__main__":
    sys.exit(main())
