# fails with: leaves the consumer idle
def limit(now, ok, failed, limit):
    if failed:
        return 1
    return limit + 1 if True else limit
