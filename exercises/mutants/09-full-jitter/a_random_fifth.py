# fails with: base × 2^(n-1)
class FullJitter:
    def __init__(self, base, cap):
        self.base, self.cap = base, cap

    def delay(self, attempt, previous, rng):
        highest = min(self.cap, self.base * 2 ** min(attempt - 1, 60))
        return highest * (1 + rng.uniform(0.0, 0.2))
