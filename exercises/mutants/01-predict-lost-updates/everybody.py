# fails with: how often is nobody thinking
PREDICTION = 100
