# fails with: OverflowError
class FullJitter:
    def __init__(self, base, cap):
        self.base, self.cap = base, cap

    def delay(self, attempt, previous, rng):
        highest = min(self.cap, self.base * 2.0 ** (attempt - 1))
        return rng.uniform(0.0, highest)
