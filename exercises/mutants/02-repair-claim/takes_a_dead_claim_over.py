# fails with: the card was charged 2 times
def pay(request):
    mine = yield "insert", "payments", request.key, {"state": "started"}
    if not mine:
        known = yield "get", "payments", request.key
        if known["state"] == "paid":
            yield "reply", 201, known
            return
    yield "charge", request.key
    yield "put", "payments", request.key, {"state": "paid"}
    yield "reply", 201, {"state": "paid"}
