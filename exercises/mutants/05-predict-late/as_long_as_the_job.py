# fails with: what comes after its end
PREDICTION = 20
