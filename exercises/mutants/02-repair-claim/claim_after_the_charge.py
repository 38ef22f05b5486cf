# fails with: the card was charged 2 times
def pay(request):
    known = yield "get", "payments", request.key
    if known is not None:
        yield "reply", 201, known
        return
    yield "charge", request.key
    yield "insert", "payments", request.key, {"state": "paid"}
    yield "reply", 201, {"state": "paid"}
