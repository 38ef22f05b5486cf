# fails with: neither the global random
import random


class FullJitter:
    def __init__(self, base, cap):
        self.base, self.cap = base, cap

    def delay(self, attempt, previous, rng):
        highest = min(self.cap, self.base * 2 ** min(attempt - 1, 60))
        return random.uniform(0.0, highest)
