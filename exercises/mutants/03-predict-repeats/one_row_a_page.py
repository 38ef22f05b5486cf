# fails with: two rows come in
PREDICTION = 20
