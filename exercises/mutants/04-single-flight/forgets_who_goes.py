# fails with: one goes for all
class SingleFlight:
    def __init__(self, lease):
        self.lease = lease
        self.flights = {}

    def ask(self, key, now):
        since = self.flights.get(key)
        if since is None or now - since >= self.lease:
            return "fetch"
        return "wait"

    def done(self, key, now):
        self.flights.pop(key, None)
