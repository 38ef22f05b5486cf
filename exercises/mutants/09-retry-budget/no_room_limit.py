# fails with: there is room for 5 tokens
class Budget:
    def __init__(self, ratio, capacity):
        self.ratio, self.capacity = ratio, capacity
        self.tokens = capacity

    def call(self):
        self.tokens = self.tokens + self.ratio

    def may_retry(self):
        if self.tokens < 1 - 1e-9:
            return False
        self.tokens -= 1
        return True
