# fails with: a full budget of 5 allowed 0
class Budget:
    def __init__(self, ratio, capacity):
        self.ratio, self.capacity = ratio, capacity
        self.tokens = 0

    def call(self):
        self.tokens = min(self.capacity, self.tokens + self.ratio)

    def may_retry(self):
        if self.tokens < 1 - 1e-9:
            return False
        self.tokens -= 1
        return True
