# fails with: do not share a cache
PREDICTION = 1
