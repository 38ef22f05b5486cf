# fails with: each key has its own flight
class SingleFlight:
    def __init__(self, lease):
        self.lease = lease
        self.flights = {}

    def ask(self, key, now):
        since = self.flights.get("")
        if since is None or now - since >= self.lease:
            self.flights[""] = now
            return "fetch"
        return "wait"

    def done(self, key, now):
        self.flights.pop("", None)
