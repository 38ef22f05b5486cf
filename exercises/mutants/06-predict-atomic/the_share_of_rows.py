# fails with: needs all of its hundred
PREDICTION = 99
