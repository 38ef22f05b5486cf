# earns 0: has no method allow
class TokenBucket:
    def __init__(self, rate, burst):
        pass

    def __getattr__(self, name):
        return self

    def __call__(self, *arguments):
        return self
