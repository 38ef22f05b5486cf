# fails with: divides where it must multiply
PREDICTION = 3.6
