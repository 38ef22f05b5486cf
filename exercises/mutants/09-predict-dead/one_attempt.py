# fails with: that is one attempt
PREDICTION = 90
