# fails with: how often nobody comes
PREDICTION = 36.8
