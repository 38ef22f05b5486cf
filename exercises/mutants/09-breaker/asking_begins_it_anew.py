# fails with: being asked must not begin it anew
class Breaker:
    def __init__(self, failures, open_time):
        self.failures, self.open_time = failures, open_time
        self.state, self.count, self.since = "closed", 0, 0.0

    def admit(self, now):
        if self.state == "open" and now - self.since >= self.open_time:
            self.state = "half-open"
            return True
        if self.state == "open":
            self.since = now
        return self.state == "closed"

    def record(self, ok, now):
        if ok:
            self.state, self.count = "closed", 0
            return
        self.count += 1
        if self.state == "half-open" or self.count >= self.failures:
            self.state, self.count, self.since = "open", 0, now
