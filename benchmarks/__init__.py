"""Measurements, never timed tests: `make bench` prints them."""
