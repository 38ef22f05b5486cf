"""Every order and every crash: walk all schedules of a few requests through a service, and show the shortest bad one.

    found = explore(lambda: CheckThenAct(MemoryStore()), [payment, payment], charged_once)
    print(found)          # counts, and the shortest schedule that charges twice, as a sequence diagram
    found.ok              # True only when everything was seen and nothing was wrong

Simulation shows how often; exploration shows never.
"""

from sim.interleave.exploration import Ending, Exploration, Moment
from sim.interleave.explorer import explore

__all__ = ["Ending", "Exploration", "Moment", "explore"]
