# fails with: and the card was never charged
def pay(request):
    mine = yield "insert", "payments", request.key, {"state": "paid"}
    if mine:
        yield "charge", request.key
    yield "reply", 201, {"state": "paid"}
