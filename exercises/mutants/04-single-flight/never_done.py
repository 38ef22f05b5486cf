# fails with: for whom?
class SingleFlight:
    def __init__(self, lease):
        self.lease = lease
        self.flights = {}

    def ask(self, key, now):
        since = self.flights.get(key)
        if since is None or now - since >= self.lease:
            self.flights[key] = now
            return "fetch"
        return "wait"

    def done(self, key, now):
        pass
