# fails with: leaves the consumer idle
def limit(now, ok, failed, limit):
    return 10
