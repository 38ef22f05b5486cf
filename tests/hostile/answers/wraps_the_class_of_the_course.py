# earns 0: No module named 'sim.policies'
from sim.policies.limiter import TokenBucket as Right


class TokenBucket:
    def __init__(self, rate, burst):
        self.right = Right(rate, period=1.0, burst=burst)

    def allow(self, key, now):
        return self.right.decide(key, now).allowed
