# fails with: the bucket was full
PREDICTION = 100
