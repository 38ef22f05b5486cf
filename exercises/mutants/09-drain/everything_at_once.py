# fails with: you are switched off
def limit(now, ok, failed, limit):
    return 500
