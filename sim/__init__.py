"""riskfund's model: how much money a county's risk-compensation fund needs, and how sure that is.

A study in a few lines::

    import sim

    base = sim.scenario("x-county")
    dry = base.change("dry", opening__drought="dry")
    answer = sim.size(base, replications=2000, seed=2027)
    print(answer.data["need_yuan"])
    results = sim.run([base, dry], n=2000, seed=2027)
    for row in results.compare():
        print(row["metric"], row["difference"])
"""

from sim.answers.answer import Answer, as_if
from sim.errors import ConservationError, IncompatibleRun, InputError, RiskfundError, TooFewHistories
from sim.estimate import Estimate
from sim.grid import METRICS as GRID_METRICS
from sim.grid import read_grid, run_grid
from sim.household_trace import HouseholdStory, trace_household
from sim.law import Pack, Rules, load_pack, pack_names
from sim.precision import Precision
from sim.provenance import VERSION as __version__
from sim.relived import HouseholdMonth
from sim.sampling import ALLOCATIONS, SAMPLINGS, Sampling
from sim.scenario import Scenario, scenario_names
from sim.sizing import for_year, read_answer, size
from sim.solving import solve
from sim.study import Results, check_pairs, read_results, run, scenario_of, seed_of, what_differs
from sim.trace import Step, trace_history, trace_unpaid

scenario = Scenario.load

__all__ = [
    "ALLOCATIONS",
    "GRID_METRICS",
    "SAMPLINGS",
    "Answer",
    "ConservationError",
    "Estimate",
    "HouseholdMonth",
    "HouseholdStory",
    "IncompatibleRun",
    "InputError",
    "Pack",
    "Precision",
    "Results",
    "RiskfundError",
    "Rules",
    "Sampling",
    "Scenario",
    "Step",
    "TooFewHistories",
    "__version__",
    "as_if",
    "check_pairs",
    "for_year",
    "load_pack",
    "pack_names",
    "read_answer",
    "read_grid",
    "read_results",
    "run",
    "run_grid",
    "scenario",
    "scenario_names",
    "scenario_of",
    "seed_of",
    "size",
    "solve",
    "trace_history",
    "trace_household",
    "trace_unpaid",
    "what_differs",
]
