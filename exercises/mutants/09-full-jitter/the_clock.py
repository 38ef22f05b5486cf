# fails with: neither the global random
import time


class FullJitter:
    def __init__(self, base, cap):
        self.base, self.cap = base, cap

    def delay(self, attempt, previous, rng):
        highest = min(self.cap, self.base * 2 ** min(attempt - 1, 60))
        return highest * (time.perf_counter_ns() % 1000) / 1000
