# fails with: each key has a bucket of its own
class TokenBucket:
    def __init__(self, rate, burst):
        self.rate, self.burst = rate, burst
        self.buckets = {}

    def allow(self, key, now):
        tokens, then = self.buckets.get(0, (self.burst, now))
        tokens = min(self.burst, tokens + (now - then) * self.rate)
        passes = tokens >= 1
        self.buckets[0] = (tokens - 1 if passes else tokens, now)
        return passes
