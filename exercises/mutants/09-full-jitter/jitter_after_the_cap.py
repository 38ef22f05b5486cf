# fails with: cap what is drawn
class FullJitter:
    def __init__(self, base, cap):
        self.base, self.cap = base, cap

    def delay(self, attempt, previous, rng):
        highest = min(self.cap, self.base * 2 ** min(attempt - 1, 60) / 2)
        return highest + rng.uniform(0.0, highest)
