"""The delivery platform in simulated time: events in, attempts out, and what becomes of what failed."""
