"""Charts: what a run or a comparison looks like.

One colour means one retry rule in every chart of the course (B. Wong's colour-blind palette); what is joined to it
(+breaker, +budget) changes the line's dashes, and the marker tells rules apart without colour.  Faults are shaded,
axes carry units, and every figure has a sentence for those who cannot see it: `alt(figure)`.
"""

from sim.charts.agreement import agreement
from sim.charts.breakers import breaker_states
from sim.charts.deliveries import attempts, delivery
from sim.charts.depths import depths
from sim.charts.endings import latency, outcomes
from sim.charts.layers import layers
from sim.charts.origin import at_origin
from sim.charts.over_time import load
from sim.charts.packing import packing
from sim.charts.panels import figures
from sim.charts.saving import alt, save
from sim.charts.schedules import schedule
from sim.charts.sequence import sequence
from sim.charts.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    WONG,
    YELLOW,
    Style,
    style,
)
from sim.charts.sweeps import curve

__all__ = [
    "BLACK",
    "BLUE",
    "GREEN",
    "ORANGE",
    "PURPLE",
    "SKY",
    "VERMILLION",
    "WONG",
    "YELLOW",
    "Style",
    "agreement",
    "alt",
    "at_origin",
    "attempts",
    "breaker_states",
    "curve",
    "delivery",
    "depths",
    "figures",
    "latency",
    "layers",
    "load",
    "outcomes",
    "packing",
    "save",
    "schedule",
    "sequence",
    "style",
]
