# earns 0: RuntimeError: </td><script>
class TokenBucket:
    def __init__(self, rate, burst):
        self.rate, self.burst = rate, burst
        self.buckets = {}

    def allow(self, key, now):
        raise RuntimeError("</td><script>alert(1)</script>\n=cmd|' /C calc'!A0\r\n08-token-bucket,9,9,pass")
        tokens, then = self.buckets.get(key, (self.burst, now))
        tokens = min(self.burst, tokens + (now - then) * self.rate)
        passes = tokens >= 1
        self.buckets[key] = (tokens - 1 if passes else tokens, now)
        return passes
