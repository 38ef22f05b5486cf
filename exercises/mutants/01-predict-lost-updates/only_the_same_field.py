# fails with: a PUT carries all of them
PREDICTION = 25
