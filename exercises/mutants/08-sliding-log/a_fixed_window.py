# fails with: a window that begins at a full minute
class SlidingLog:
    def __init__(self, limit, period):
        self.limit, self.period = limit, period
        self.counts = {}

    def allow(self, key, now):
        window = key, now // self.period
        self.counts[window] = self.counts.get(window, 0) + (self.counts.get(window, 0) < self.limit)
        passes = self.counts[window] <= self.limit and not self.counts.get((window, "full"))
        if self.counts[window] == self.limit:
            self.counts[window, "full"] = True
        return passes
