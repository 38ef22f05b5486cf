"""The player: a run in motion, as it was, request by request.

    sim.play(run)                     # one run
    sim.play(before, after)           # two, side by side on one clock
    sim.play(comparison)              # the first two policies of a comparison

It draws the trace and nothing else: a count that it shows is a count of rows of the tables, at that instant.
"""

from sim.player.rows import Ending
from sim.player.scene import Scene, scene_of
from sim.player.widget import Player, play

__all__ = ["Ending", "Player", "Scene", "play", "scene_of"]
