# fails with: a fixed window's flood
PREDICTION = 300
