# fails with: a token each
class Budget:
    def __init__(self, ratio, capacity):
        self.ratio, self.capacity = ratio, capacity
        self.tokens = capacity

    def call(self):
        self.tokens = min(self.capacity, self.tokens + self.ratio)

    def may_retry(self):
        if self.tokens < 1 - 1e-9:
            return False
        self.tokens -= 1 - 3 * self.ratio
        return True
