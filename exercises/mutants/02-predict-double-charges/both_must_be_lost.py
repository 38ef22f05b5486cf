# fails with: one lost answer is enough
PREDICTION = 4
