# fails with: some have none
PREDICTION = 0
