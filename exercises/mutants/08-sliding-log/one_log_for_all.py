# fails with: each key has a log of its own
class SlidingLog:
    def __init__(self, limit, period):
        self.limit, self.period = limit, period
        self.logs = {}

    def allow(self, key, now):
        log = [at for at in self.logs.get(0, []) if at > now - self.period]
        passes = len(log) < self.limit
        if passes:
            log.append(now)
        self.logs[0] = log
        return passes
