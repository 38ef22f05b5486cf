# fails with: a lost answer is not a lost request
PREDICTION = 0
