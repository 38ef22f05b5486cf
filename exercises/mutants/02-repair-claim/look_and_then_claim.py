# fails with: the card was charged 2 times
def pay(request):
    known = yield "get", "payments", request.key
    if known is not None:
        yield "reply", 201 if known["state"] == "paid" else 409, known
        return
    yield "put", "payments", request.key, {"state": "started"}
    yield "charge", request.key
    yield "put", "payments", request.key, {"state": "paid"}
    yield "reply", 201, {"state": "paid"}
