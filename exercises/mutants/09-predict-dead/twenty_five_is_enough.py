# fails with: multiply it out
PREDICTION = 0
