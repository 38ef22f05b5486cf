# fails with: the worst case
PREDICTION = 5
