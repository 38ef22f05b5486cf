# fails with: you are switched off
def limit(now, ok, failed, limit):
    return limit + 1 if limit < 12 or now % 3 == 0 else limit
