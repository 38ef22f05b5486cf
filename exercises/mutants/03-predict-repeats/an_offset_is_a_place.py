# fails with: the head has moved
PREDICTION = 0
