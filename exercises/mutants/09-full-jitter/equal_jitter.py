# fails with: full jitter
class FullJitter:
    def __init__(self, base, cap):
        self.base, self.cap = base, cap

    def delay(self, attempt, previous, rng):
        highest = min(self.cap, self.base * 2 ** min(attempt - 1, 60))
        return rng.uniform(highest / 2, highest)
