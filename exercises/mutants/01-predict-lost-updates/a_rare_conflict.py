# fails with: a conflict is not rare here
PREDICTION = 1
