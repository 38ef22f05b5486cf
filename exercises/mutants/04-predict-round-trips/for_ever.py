# fails with: must be asked for again
PREDICTION = 0
