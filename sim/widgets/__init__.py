"""Widgets: panels in a notebook that act on what is running.

Each is a `LivePanel`: it shows a picture before anything runs, becomes live when its cell does, and its text is stable.
"""

from sim.widgets.delivery_log import DeliveryLog, delivery_log
from sim.widgets.live_panel import LivePanel

__all__ = ["DeliveryLog", "LivePanel", "delivery_log"]
