# fails with: does not ask
PREDICTION = 100
