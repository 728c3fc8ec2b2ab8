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

from sim.answers.answer import Answer
from sim.errors import ConservationError, IncompatibleRun, InputError, RiskfundError, TooFewHistories
from sim.estimate import Estimate
from sim.household_trace import HouseholdStory, trace_household
from sim.law import Pack, Rules, load_pack, pack_names
from sim.provenance import VERSION as __version__
from sim.relived import HouseholdMonth
from sim.scenario import Scenario, scenario_names
from sim.sizing import read_answer, size
from sim.study import Results, run, what_differs
from sim.trace import Step, trace_history, trace_unpaid

scenario = Scenario.load

__all__ = [
    "Answer",
    "ConservationError",
    "Estimate",
    "HouseholdMonth",
    "HouseholdStory",
    "IncompatibleRun",
    "InputError",
    "Pack",
    "Results",
    "RiskfundError",
    "Rules",
    "Scenario",
    "Step",
    "TooFewHistories",
    "__version__",
    "load_pack",
    "pack_names",
    "read_answer",
    "run",
    "scenario",
    "scenario_names",
    "size",
    "trace_history",
    "trace_household",
    "trace_unpaid",
    "what_differs",
]
