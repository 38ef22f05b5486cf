# fails with: here there are two
PREDICTION = 25
