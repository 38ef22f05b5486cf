# fails with: that is what one page shows twice
PREDICTION = 2
