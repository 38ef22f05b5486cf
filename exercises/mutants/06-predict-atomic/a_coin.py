# fails with: it is no coin
PREDICTION = 50
