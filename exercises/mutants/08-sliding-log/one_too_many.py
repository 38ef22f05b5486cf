# fails with: < limit, not <= limit
class SlidingLog:
    def __init__(self, limit, period):
        self.limit, self.period = limit, period
        self.logs = {}

    def allow(self, key, now):
        log = [at for at in self.logs.get(key, []) if at > now - self.period]
        passes = len(log) <= self.limit
        if passes:
            log.append(now)
        self.logs[key] = log
        return passes
