# fails with: its busiest second
PREDICTION = 101
