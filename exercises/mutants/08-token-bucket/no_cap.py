# fails with: there is room for
class TokenBucket:
    def __init__(self, rate, burst):
        self.rate, self.burst = rate, burst
        self.buckets = {}

    def allow(self, key, now):
        tokens, then = self.buckets.get(key, (self.burst, now))
        tokens = tokens + (now - then) * self.rate
        passes = tokens >= 1
        self.buckets[key] = (tokens - 1 if passes else tokens, now)
        return passes
