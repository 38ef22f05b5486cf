# earns 0: ValueError
class TokenBucket:
    def __init__(self, rate, burst):
        self.rate, self.burst = rate, burst
        self.buckets = {}

    def allow(self, key, now):
        return 10**1_000_000
        tokens, then = self.buckets.get(key, (self.burst, now))
        tokens = min(self.burst, tokens + (now - then) * self.rate)
        passes = tokens >= 1
        self.buckets[key] = (tokens - 1 if passes else tokens, now)
        return passes
