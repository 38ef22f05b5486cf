# fails with: nobody tells the client
PREDICTION = 0
